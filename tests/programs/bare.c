/* bare looks|hands|lets COMMAND ARG...: executes a command whose accepts stop, as under a guard, and does little with them.

   With "lets" it lets the kernel go on with the call; connects stop then too.
   With "hands" it takes the listener, accepts, writes the peer's address where the program wants it and hands the
   connection over; nothing is decided, asked or written down.
   With "looks" it also asks the kernel for all that a decision and its entry need, and writes through a memory file, as a
   guard of root has to: whether the listener blocks, the local address, the user, the program, the room for the address
   and whether the call still waits. What each costs no guard of this kind can save. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP /* Linux 6.6 */
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static int install_filter(bool lets)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_accept, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, lets ? SYS_connect : SYS_accept, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_accept4, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof steps / sizeof *steps, .filter = steps};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        fail("prctl");
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* Executes the command, once its supervisor has taken the listener. */
static void execute(char **command, bool lets, int said, int heard)
{
    char go;
    const int listener = install_filter(lets);
    if (listener < 0)
        fail("seccomp");
    if (write(said, &listener, sizeof listener) != sizeof listener || read(heard, &go, 1) != 1)
        exit(2);
    close(listener);
    execvp(command[0], command);
    fail(command[0]);
}

static int take(pid_t process, int descriptor)
{
    const int pidfd = (int)syscall(SYS_pidfd_open, process, 0);
    const int taken = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, descriptor, 0);
    const int failure = errno;
    if (pidfd >= 0)
        close(pidfd);
    errno = failure;
    return taken;
}

static void answer(int listener, const struct seccomp_notif *call, int failure, bool goes_on)
{
    struct seccomp_notif_resp response = {.id = call->id, .error = -failure};
    if (goes_on)
        response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static void tell_peer(const struct seccomp_notif *call, void *peer, socklen_t size)
{
    const struct iovec from[2] = {{peer, size}, {&size, sizeof size}};
    const struct iovec to[2] = {{(void *)call->data.args[1], size}, {(void *)call->data.args[2], sizeof size}};
    if (call->data.args[1])
        process_vm_writev((pid_t)call->pid, from, 2, to, 2, 0);
}

static int pidfd = -1, directory = -1, program = -1;

/* Opens what a guard keeps open of a process too. */
static void know(int process)
{
    static int known;
    char path[64];
    if (known == process)
        return;
    known = process;
    close(pidfd);
    close(directory);
    close(program);
    pidfd = (int)syscall(SYS_pidfd_open, process, 0);
    snprintf(path, sizeof path, "/proc/%d", process);
    directory = open(path, O_PATH | O_CLOEXEC);
    program = openat(directory, "exe", O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* Asks for what a decision and its entry need. */
static void look(int connection)
{
    struct sockaddr_storage local;
    socklen_t size = sizeof local;
    struct stat status;
    char path[1024];
    if (getsockname(connection, (struct sockaddr *)&local, &size) || fstat(directory, &status) ||
        readlinkat(program, "", path, sizeof path) < 0)
        fail("look");
}

/* As a guard that is root, whose job may get another program's rights at any moment. */
static void tell_peer_held(int listener, const struct seccomp_notif *call, void *peer, socklen_t size)
{
    __u64 cookie = call->id;
    int room;
    const struct iovec here = {&room, sizeof room}, there = {(void *)call->data.args[2], sizeof room};
    if (!call->data.args[1])
        return;
    const ssize_t read = process_vm_readv((pid_t)call->pid, &here, 1, &there, 1, 0);
    const int memory = openat(directory, "mem", O_WRONLY | O_CLOEXEC);
    if (read != sizeof room || memory < 0 || ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &cookie) ||
        pwrite(memory, peer, size, (off_t)call->data.args[1]) != size ||
        pwrite(memory, &size, sizeof size, (off_t)call->data.args[2]) != sizeof size)
        fail("memory");
    close(memory);
}

static void hand_over(int listener, const struct seccomp_notif *call, int process, bool looks)
{
    know(process);
    const int server = (int)syscall(SYS_pidfd_getfd, pidfd, (int)call->data.args[0], 0);
    if (looks && fcntl(server, F_GETFL) < 0)
        fail("fcntl");
    const int flags = call->data.nr == SYS_accept4 ? (int)call->data.args[3] : 0;
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    const int connection = accept4(server, (struct sockaddr *)&peer, &size, flags | SOCK_CLOEXEC);
    if (connection < 0) {
        answer(listener, call, errno, false);
    } else {
        if (looks) {
            look(connection);
            tell_peer_held(listener, call, &peer, size);
        } else {
            tell_peer(call, &peer, size);
        }
        struct seccomp_notif_addfd request = {
            .id = call->id,
            .flags = SECCOMP_ADDFD_FLAG_SEND,
            .srcfd = (__u32)connection,
            .newfd_flags = flags & SOCK_CLOEXEC ? O_CLOEXEC : 0,
        };
        ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
        close(connection);
    }
    close(server);
}

int main(int count, char **arguments)
{
    int said[2], heard[2], theirs;
    if (count < 3 || (strcmp(arguments[1], "looks") && strcmp(arguments[1], "hands") && strcmp(arguments[1], "lets")))
        return 2;
    const bool lets = !strcmp(arguments[1], "lets"), looks = !strcmp(arguments[1], "looks");
    if (pipe2(said, O_CLOEXEC) || pipe2(heard, O_CLOEXEC))
        fail("pipe2");
    const pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        execute(arguments + 2, lets, said[1], heard[0]);
    }
    close(said[1]);
    if (read(said[0], &theirs, sizeof theirs) != sizeof theirs)
        return 2;
    const int listener = take(child, theirs);
    if (listener < 0)
        fail("pidfd_getfd");
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    if (write(heard[1], "", 1) != 1)
        return 2;
    for (;;) {
        struct seccomp_notif call = {0};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call)) {
            if (waitpid(child, NULL, WNOHANG) == child)
                return 0;
            if (errno == EINTR || errno == ENOENT)
                continue;
            fail("SECCOMP_IOCTL_NOTIF_RECV");
        }
        if (lets)
            answer(listener, &call, 0, true);
        else
            hand_over(listener, &call, (int)call.pid, looks);
    }
}
