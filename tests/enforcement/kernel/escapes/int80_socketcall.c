/* socketcall(2) through the i386 entry of a 64-bit program: every call it multiplexes. */
#include "escape.h"

int main(int count, char **arguments)
{
    prepare(count, arguments);
    unsigned *low = low_memory();
    struct sockaddr_in *address = (struct sockaddr_in *)(low + 64);
    for (int allowed = 0; allowed < 2; allowed++) {
        *address = allowed ? allowed_address() : forbidden_address();
        for (int call = 1; call <= 20; call++) {
            unsigned parameters[] = {(unsigned)stream(), (unsigned)(size_t)address, sizeof *address, 0, 0, 0};
            memcpy(low, parameters, sizeof parameters);
            char name[32];
            snprintf(name, sizeof name, "%s %d", allowed ? "allowed" : "forbidden", call);
            say(name, int80(102, call, (long)low, 0, 0, 0, 0));
        }
    }
}
