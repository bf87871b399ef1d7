/* A thread rewrites the address while another connects to it. */
#include "escape.h"

static struct sockaddr_in place;

static void *rewrite(void *nothing)
{
    volatile in_addr_t *address = &place.sin_addr.s_addr;
    for (in_addr_t refused = inet_addr(FORBIDDEN), good = inet_addr(ALLOWED);;) {
        *address = refused;
        *address = good;
    }
    return nothing;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int succeeded = 0, refused = 0;
    place = allowed_address();
    spawn(rewrite, NULL);
    for (int round = 0; round < rounds; round++) {
        int client = short_lived();
        *(connect(client, (struct sockaddr *)&place, sizeof place) ? &refused : &succeeded) += 1;
        close(client);
    }
    printf("succeeded %d\nrefused %d\n", succeeded, refused);
}
