/* PROGRAM PORTS... PID [DESCRIPTORS]: every way into another process that could lend its sockets or its memory. */
#include "escape.h"
#include <linux/kcmp.h>

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int target = atoi(more[0]), pidfd = (int)syscall(SYS_pidfd_open, target, 0), taken = 0;
    char octets[16] = {0}, path[64];
    struct iovec here = {octets, sizeof octets}, there = {(void *)0x400000, sizeof octets};
    for (int number = 0; number < 256; number++)
        taken += syscall(SYS_pidfd_getfd, pidfd, number, 0) >= 0;
    printf("taken %d\n", taken);
    say("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 0, 0));
    say("attach", ptrace(PTRACE_ATTACH, target, 0, 0));
    say("seize", ptrace(PTRACE_SEIZE, target, 0, 0));
    say("read", process_vm_readv(target, &here, 1, &there, 1, 0));
    say("write", process_vm_writev(target, &here, 1, &there, 1, 0));
    say("kcmp", syscall(SYS_kcmp, getpid(), target, KCMP_FILE, 0, 0));
    for (const char **name = (const char *[]){"mem", "fd", "fdinfo", "map_files", "environ", "auxv", NULL}; *name; name++) {
        snprintf(path, sizeof path, "/proc/%d/%s", target, *name);
        say(*name, open(path, strcmp(*name, "mem") ? O_RDONLY : O_RDWR));
    }
    snprintf(path, sizeof path, "/proc/%d/task/%d/mem", target, target);
    say("mem of the thread", open(path, O_RDWR));
    /* Its own child it may look into. */
    int child = fork(), status;
    if (!child)
        pause();
    pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    say("own child", syscall(SYS_pidfd_getfd, pidfd, 1, 0) < 0 ? -1 : 0);
    say("own child traced", ptrace(PTRACE_SEIZE, child, 0, 0));
    kill(child, SIGKILL);
    waitpid(child, &status, __WALL);
}
