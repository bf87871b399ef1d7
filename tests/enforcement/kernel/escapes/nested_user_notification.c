/* A listener of the program's own, before or after threads were made, would answer in the guard's place. */
#include "escape.h"
#include <linux/seccomp.h>

static long listener(unsigned flags)
{
    struct sock_filter program[] = {{0x20, 0, 0, 0}, {0x15, 0, 1, SYS_connect}, {0x06, 0, 0, SECCOMP_RET_USER_NOTIF},
                                    {0x06, 0, 0, SECCOMP_RET_ALLOW}};
    struct sock_fprog filter = {4, program};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}

static void *in_thread(void *nothing)
{
    say("in a thread", listener(SECCOMP_FILTER_FLAG_NEW_LISTENER));
    return nothing;
}

int main(int count, char **arguments)
{
    int status;
    pthread_t thread;
    prepare(count, arguments);
    say("listener", listener(SECCOMP_FILTER_FLAG_NEW_LISTENER));
    say("listener of all threads",
        listener(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH));
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
    if (!fork()) {
        say("in a child", listener(SECCOMP_FILTER_FLAG_NEW_LISTENER));
        _exit(0);
    }
    wait(&status);
    say("forbidden", connect_in(stream(), forbidden_address()));
    say("allowed", connect_in(stream(), allowed_address()));
}
