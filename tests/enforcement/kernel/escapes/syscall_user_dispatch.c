/* Syscall user dispatch acts before any filter: calls from its own range must still meet ours. */
#include "escape.h"
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

static char selector;

static int attempt(struct sockaddr_in address)
{
    int client = stream();
    /* The whole address space is the range from which calls go on undisturbed. */
    if (prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0x1000, 0x7ffffffff000, &selector))
        return -1;
    selector = 1;
    return (int)syscall(SYS_connect, client, &address, sizeof address);
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try_both(attempt);
}
