/* The x32 entry: the same numbers with a bit set, and those of its own (sendmsg and the like, from 512 on). */
#include "escape.h"

static const struct {
    const char *name;
    long number;
} calls[] = {{"socket", 41}, {"connect", 42}, {"accept", 43}, {"sendto", 44}, {"listen", 50}, {"accept4", 288},
             {"io_uring_setup", 425}, {"io_uring_enter", 426}, {"own sendmsg", 518}, {"own sendmmsg", 538},
             {"own ioctl", 514}, {"own setsockopt", 541}, {"last", 0x3fffffff}};

int main(int count, char **arguments)
{
    prepare(count, arguments);
    struct sockaddr_in address = forbidden_address(), good = allowed_address();
    for (size_t at = 0; at < sizeof calls / sizeof *calls; at++)
        say(calls[at].name, syscall(0x40000000 | calls[at].number, stream(), &address, sizeof address, 0, 0, 0));
    say("allowed connect", syscall(0x40000000 | SYS_connect, stream(), &good, sizeof good));
}
