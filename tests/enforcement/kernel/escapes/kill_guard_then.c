/* PROGRAM PORTS... GUARD: the job's own user kills its guard: calls fail from then on, they do not pass; one that was
   refused in the same moment stays refused. */
#include "escape.h"

int main(int count, char **arguments)
{
    prepare(count, arguments);
    struct sockaddr_in good = allowed_address();
    int bound_before = bound(ALLOWED, 0);
    say("before", connect_in(stream(), good));
    kill(atoi(more[0]) > 0 ? atoi(more[0]) : getppid(), SIGKILL);
    while (!kill(getppid(), 0) && getppid() == atoi(more[0]))
        usleep(1000);
    int failed;
    for (int wait = 0; (failed = connect_in(stream(), good)) == 0 && wait < 1000; wait++)
        usleep(1000);
    say("connect", failed);
    say("connect a Unix socket", connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&good, sizeof good));
    say("listen", listen(bound_before, 8));
    printf("listens %d\n", is_listening(bound_before));
    say("accept", accept(bound_before, NULL, NULL));
    say("fast open", sendto(stream(), "x", 1, MSG_FASTOPEN, (struct sockaddr *)&good, sizeof good));
    say("ring", syscall(SYS_io_uring_setup, 8, NULL));
    say("raw socket", socket(AF_INET, SOCK_RAW, 6));
}
