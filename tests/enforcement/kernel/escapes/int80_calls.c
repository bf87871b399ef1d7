/* The i386 entry's own numbers, with internet sockets that the 64-bit entry made. */
#include "escape.h"

int main(int count, char **arguments)
{
    prepare(count, arguments);
    char *low = low_memory();
    struct sockaddr_in *address = (struct sockaddr_in *)low;
    unsigned *message = (unsigned *)(low + 256), *octets = (unsigned *)(low + 512);
    octets[0] = (unsigned)(size_t)low, octets[1] = 1;
    message[0] = (unsigned)(size_t)address, message[1] = sizeof *address;
    message[2] = (unsigned)(size_t)octets, message[3] = 1;
    for (int allowed = 0; allowed < 2; allowed++) {
        *address = allowed ? allowed_address() : forbidden_address();
        puts(allowed ? "allowed" : "forbidden");
        say("socket", int80(359, AF_INET, SOCK_STREAM, 0, 0, 0, 0));
        say("bind", int80(361, stream(), (long)address, sizeof *address, 0, 0, 0));
        say("connect", int80(362, stream(), (long)address, sizeof *address, 0, 0, 0));
        say("listen", int80(363, stream(), 8, 0, 0, 0, 0));
        say("accept4", int80(364, stream(), 0, 0, 0, 0, 0));
        say("sendto", int80(369, stream(), (long)low, 1, MSG_FASTOPEN, (long)address, sizeof *address));
        say("sendmsg", int80(370, stream(), (long)message, MSG_FASTOPEN, 0, 0, 0));
        say("sendmmsg", int80(345, stream(), (long)message, 1, MSG_FASTOPEN, 0, 0));
        say("io_uring_setup", int80(425, 8, (long)low + 1024, 0, 0, 0, 0));
        say("io_uring_enter", int80(426, 0, 1, 0, 0, 0, 0));
        say("io_uring_register", int80(427, 0, 0, 0, 0, 0, 0));
    }
    say("getpid", int80(20, 0, 0, 0, 0, 0, 0) == getpid() ? 0 : -1);
}
