/* Typing into the terminal of the shell that started the job: it would run the line outside of the guard. */
#include "escape.h"

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int master = posix_openpt(O_RDWR | O_NOCTTY), status;
    grantpt(master), unlockpt(master);
    if (!fork()) {
        setsid();
        int terminal = open(ptsname(master), O_RDWR);
        char line[] = "connect\n", what = 2, *low = low_memory();
        int waiting = 0;
        long result = 0;
        for (char *at = line; *at; at++)
            result |= ioctl(terminal, TIOCSTI, at);
        say("TIOCSTI", result);
        say("with a high word", syscall(SYS_ioctl, terminal, 0x4141414100000000 | TIOCSTI, line));
        *low = 'x';
        say("i386 TIOCSTI", int80(54, terminal, TIOCSTI, (long)low, 0, 0, 0));
        say("TIOCLINUX", ioctl(terminal, 0x541c, &what));
        ioctl(terminal, FIONREAD, &waiting);
        printf("waiting %d\n", waiting);
        fflush(stdout);
        _exit(0);
    }
    wait(&status);
}
