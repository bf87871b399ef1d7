/* Ways to become another process: vfork, posix_spawn, clone with shared memory, exec of exec, setsid, a thread's exec. */
#include "escape.h"
#include <spawn.h>
extern char **environ;

static struct sockaddr_in target;

static int in_clone(void *nothing)
{
    (void)nothing;
    _exit(connect_in(stream(), target) ? errno : 0);
}

static int status_of(int child)
{
    int status = 0;
    waitpid(child, &status, __WALL);
    errno = WEXITSTATUS(status);
    return errno ? -1 : 0;
}

static void *exec_in_thread(void *path)
{
    execl(path, path, more[0], more[1], more[2], "once", more[4], NULL);
    _exit(99);
}

static void try_all(const char *what, struct sockaddr_in address, char *path)
{
    static char stack[4][65536];
    static char open_text[16], host[32];
    target = address;
    snprintf(open_text, sizeof open_text, "%d", open_port);
    strcpy(host, inet_ntoa(address.sin_addr));
    char *once[] = {path, open_text, "0", "0", "once", host, NULL};
    int child, flags[] = {SIGCHLD, CLONE_VM | SIGCHLD, CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD,
                          CLONE_VM | CLONE_VFORK | SIGCHLD};
    puts(what);
    if (!(child = vfork())) {
        execv(path, once);
        _exit(98);
    }
    say("vfork", status_of(child));
    posix_spawn(&child, path, NULL, NULL, once, environ);
    say("posix_spawn", status_of(child));
    for (int at = 0; at < 4; at++)
        say("clone", status_of(clone(in_clone, stack[at] + 65536, flags[at], NULL)));
    if (!(child = fork())) {
        more = once + 1;
        setsid();
        pthread_t thread;
        pthread_create(&thread, NULL, exec_in_thread, path);
        pause();
    }
    say("exec in a thread", status_of(child));
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    if (count > 5)
        return connect_in(stream(), address_of(arguments[5], open_port)) ? errno : 0;
    try_all("forbidden", forbidden_address(), arguments[0]);
    try_all("allowed", allowed_address(), arguments[0]);
}
