/* The job's own user kills its guard: its calls fail from then on, they do not pass. */
#include "escape.h"

int main(int count, char **arguments)
{
    prepare(count, arguments);
    struct sockaddr_in good = allowed_address();
    int bound_before = bound(ALLOWED, 0), guard = getppid();
    say("before", connect_in(stream(), good));
    kill(guard, SIGKILL);
    while (getppid() == guard)
        usleep(1000);
    say("connect", connect_in(stream(), good));
    say("connect a Unix socket", connect_in(socket(AF_UNIX, SOCK_STREAM, 0), good));
    say("listen", listen(bound_before, 8));
    printf("listens %d\n", is_listening(bound_before));
    say("accept", accept(bound_before, NULL, NULL));
    say("fast open", sendto(stream(), "x", 1, MSG_FASTOPEN, (struct sockaddr *)&good, sizeof good));
    say("ring", syscall(SYS_io_uring_setup, 8, NULL));
    say("raw socket", socket(AF_INET, SOCK_RAW, 6));
}
