/* A tracer changes its child's call at its entry: what the filter sees is what it was made to. */
#include "escape.h"
#include <sys/user.h>

static struct sockaddr_in *target;

/* Traces a child that makes `number` on a socket; at its entry into getpid (first) or connect the call becomes a
   connect to the target. Returns what the child saw. */
static int traced(struct sockaddr_in address, int number)
{
    int status, results[2], failure = EIO;
    struct sockaddr_in *decoy = target + 1;
    *target = address, *decoy = allowed_address();
    decoy->sin_port = htons((unsigned short)closed_port);
    if (pipe(results))
        return -1;
    int child = fork();
    if (!child) {
        int client = stream();
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        long result = syscall(number, client, decoy, sizeof *decoy);
        failure = result < 0 ? errno : 0;
        _exit(write(results[1], &failure, sizeof failure) < 0);
    }
    waitpid(child, &status, 0);
    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    for (;;) {
        struct user_regs_struct registers;
        if (ptrace(PTRACE_SYSCALL, child, 0, 0) || waitpid(child, &status, 0) < 0 || WIFEXITED(status))
            break;
        ptrace(PTRACE_GETREGS, child, 0, &registers);
        if (status >> 8 == (SIGTRAP | 0x80) && (long)registers.orig_rax == number && (long)registers.rax == -ENOSYS) {
            registers.orig_rax = SYS_connect;
            registers.rsi = (unsigned long)target;
            registers.rdx = sizeof *target;
            ptrace(PTRACE_SETREGS, child, 0, &registers);
        }
    }
    long octets = read(results[0], &failure, sizeof failure);
    errno = octets == sizeof failure ? failure : EIO;
    return errno ? -1 : 0;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    target = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    say("another call, forbidden", traced(forbidden_address(), SYS_getpid));
    say("another call, allowed", traced(allowed_address(), SYS_getpid));
    say("another address, forbidden", traced(forbidden_address(), SYS_connect));
    say("another address, allowed", traced(allowed_address(), SYS_connect));
}
