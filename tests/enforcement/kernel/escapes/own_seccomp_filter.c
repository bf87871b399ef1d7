/* Filters of the program's own: none that lets calls pass can weaken ours, and one that refuses is obeyed. */
#include "escape.h"
#include <linux/seccomp.h>

static int under(unsigned answer, struct sockaddr_in address)
{
    struct sock_filter program[] = {
        {0x20, 0, 0, 0},                /* load the number of the call */
        {0x15, 0, 1, SYS_connect},      /* connect: the answer; any other call passes */
        {0x06, 0, 0, answer},
        {0x06, 0, 0, SECCOMP_RET_ALLOW},
    };
    struct sock_fprog filter = {4, program};
    int pipe_ends[2], status, number = 0;
    if (pipe(pipe_ends))
        return -1;
    if (!fork()) {
        int client = stream();
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        signal(SIGSYS, SIG_IGN);
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter))
            _exit(2);
        int failure = connect_in(client, address) ? errno : 0;
        _exit(write(pipe_ends[1], &failure, sizeof failure) < 0);
    }
    close(pipe_ends[1]);
    long octets = read(pipe_ends[0], &number, sizeof number);
    wait(&status);
    close(pipe_ends[0]);
    errno = octets == sizeof number ? number : EINTR; /* EINTR stands for: ended by the signal */
    return errno ? -1 : 0;
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        unsigned answer;
    } answers[] = {{"allow", SECCOMP_RET_ALLOW}, {"log", SECCOMP_RET_LOG}, {"trace", SECCOMP_RET_TRACE},
                   {"user notification", SECCOMP_RET_USER_NOTIF}, {"errno 0", SECCOMP_RET_ERRNO},
                   {"errno", SECCOMP_RET_ERRNO | EXDEV}, {"trap", SECCOMP_RET_TRAP}};
    prepare(count, arguments);
    for (size_t at = 0; at < sizeof answers / sizeof *answers; at++) {
        printf("%s: ", answers[at].name), say("forbidden", under(answers[at].answer, forbidden_address()));
        printf("%s: ", answers[at].name), say("allowed", under(answers[at].answer, allowed_address()));
    }
}
