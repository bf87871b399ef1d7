/* BLAKE2b-256 without a key, personalised (RFC 7693, section 3.2): what hashlib.blake2b(digest_size=32, person=...) is.
 *
 * To call hashlib for each entry took longer than to hash it. Tests compare this with hashlib, which verification uses.
 */

#include "journalling.h"

enum { BLOCK = 128, ROUNDS = 12 };

/* RFC 7693, section 2.6. */
static const uint64_t INITIAL[8] = {
    0x6A09E667F3BCC908u, 0xBB67AE8584CAA73Bu, 0x3C6EF372FE94F82Bu, 0xA54FF53A5F1D36F1u,
    0x510E527FADE682D1u, 0x9B05688C2B3E6C1Fu, 0x1F83D9ABFB41BD6Bu, 0x5BE0CD19137E2179u,
};

/* Parameters: length of the digest, no key, a fanout and a depth of 1 (section 2.5). */
static const uint64_t PARAMETERS = 0x01010000u | HASH;

static uint64_t turned(uint64_t word, int bits)
{
    return word >> bits | word << (64 - bits);
}

/* Section 3.1: mixes two words of the message into four of the work vector. */
#define MIX(a, b, c, d, x, y)                \
    a = a + (x) + b, d = turned(d ^ a, 32), \
    c += d, b = turned(b ^ c, 24),           \
    a = a + (y) + b, d = turned(d ^ a, 16), \
    c += d, b = turned(b ^ c, 63)

/* A round, with the message's words in the order of a line of section 2.7. */
#define ROUND(i, j, k, l, m, n, o, p, q, r, s, t, u, w, x, y)  \
    MIX(v[0], v[4], v[8], v[12], message[i], message[j]);      \
    MIX(v[1], v[5], v[9], v[13], message[k], message[l]);      \
    MIX(v[2], v[6], v[10], v[14], message[m], message[n]);     \
    MIX(v[3], v[7], v[11], v[15], message[o], message[p]);     \
    MIX(v[0], v[5], v[10], v[15], message[q], message[r]);     \
    MIX(v[1], v[6], v[11], v[12], message[s], message[t]);     \
    MIX(v[2], v[7], v[8], v[13], message[u], message[w]);      \
    MIX(v[3], v[4], v[9], v[14], message[x], message[y])

/* Section 3.2, F: takes a block in; `taken` octets came up to its end. */
static void take_block(uint64_t state[8], const uint8_t *octets, uint64_t taken, bool is_last)
{
    uint64_t message[16], v[16];
    memcpy(message, octets, sizeof message);
    for (int index = 0; index < 8; index++) {
        v[index] = state[index];
        v[index + 8] = INITIAL[index];
    }
    v[12] ^= taken; /* and v[13] the upper half: nothing here is as long */
    if (is_last)
        v[14] = ~v[14];
    ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
    ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
    ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
    ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
    ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
    ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
    ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
    ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
    ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
    ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
    for (int index = 0; index < 8; index++)
        state[index] ^= v[index] ^ v[index + 8];
}

void begin_hash(uint64_t start[8], const uint8_t person[PERSON])
{
    uint64_t words[2];
    memcpy(words, person, sizeof words);
    memcpy(start, INITIAL, sizeof INITIAL);
    start[0] ^= PARAMETERS;
    start[6] ^= words[0];
    start[7] ^= words[1];
}

void hash_of(const uint64_t start[8], const uint8_t *octets, size_t size, uint8_t into[HASH])
{
    uint64_t state[8];
    uint8_t last[BLOCK] = {0};
    size_t taken = 0;
    memcpy(state, start, sizeof state);
    for (; size - taken > BLOCK; taken += BLOCK) /* the last block is never an empty one, but for no octets at all */
        take_block(state, octets + taken, taken + BLOCK, false);
    memcpy(last, octets + taken, size - taken);
    take_block(state, last, size, true);
    memcpy(into, state, HASH);
}
