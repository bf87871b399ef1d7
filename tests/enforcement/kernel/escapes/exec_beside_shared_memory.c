/* A process that shares its memory with its parent (clone, CLONE_VM) connects, then becomes another program: what is
   kept of it, its old memory above all, which lives on in the parent, must not be taken for the new program's.
   gcc: -no-pie */
#include "escape.h"

static volatile struct sockaddr_in place; /* at the same address in parent and program */
static char **own_arguments;
static char stack[65536];

static __attribute__((noinline)) long connect_there(int made)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_connect), "D"(made), "S"(&place), "d"(sizeof place)
                     : "rcx", "r11", "memory");
    return as_libc(result);
}

static int in_child(void *nothing)
{
    (void)nothing;
    for (int time = 0; time < 4; time++)
        connect_there(stream());
    own_arguments[4] = "again";
    execv(own_arguments[0], own_arguments);
    _exit(9);
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    if (count > 4 && !strcmp(more[0], "again")) {
        place = forbidden_address();
        say("forbidden", connect_there(stream()));
        place = allowed_address();
        say("allowed", connect_there(stream()));
        return 0;
    }
    char *again[6] = {arguments[0], arguments[1], arguments[2], arguments[3], NULL, NULL};
    own_arguments = again;
    /* The parent holds what the other program does not ask for. */
    place = address_of(ALLOWED, closed_port);
    int status, child = clone(in_child, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}
