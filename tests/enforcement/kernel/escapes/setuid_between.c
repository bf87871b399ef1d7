/* Threads of one process with users of their own: each is decided as who it is at the moment of its call. Starts as root;
   127.0.0.7 is refused to NOBODY. */
#include "escape.h"

static pthread_barrier_t turn;

static int there(void)
{
    return connect_in(short_lived(), address_of("127.0.0.7", open_port));
}

static void *becomes_nobody(void *nothing)
{
    say("thread as root", there());
    syscall(SYS_setresuid, -1, 65534, -1);
    say("thread as nobody", there());
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    syscall(SYS_setresuid, -1, 0, -1);
    say("thread as root again", there());
    syscall(SYS_setresuid, 65534, -1, 65534);
    say("real and saved user nobody", there());
    syscall(SYS_setresuid, -1, 65534, -1);
    say("nobody for good", there());
    return nothing;
}

int main(int count, char **arguments)
{
    pthread_t thread;
    int status;
    prepare(count, arguments);
    pthread_barrier_init(&turn, NULL, 2);
    pthread_create(&thread, NULL, becomes_nobody, NULL);
    pthread_barrier_wait(&turn);
    say("process meanwhile", there());
    pthread_barrier_wait(&turn);
    pthread_join(thread, NULL);
    say("process afterwards", there());
    if (!fork()) {
        syscall(SYS_setresuid, 65534, 65534, 65534);
        say("nobody", there());
        if (unshare(CLONE_NEWUSER))
            say("unshare", -1);
        say("nobody with users of its own", there());
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        int map = open("/proc/self/uid_map", O_WRONLY);
        if (write(map, "0 65534 1", 9) < 0)
            say("uid_map", -1);
        printf("uid there %d\n", geteuid());
        say("nobody as root there", there());
        _exit(0);
    }
    wait(&status);
}
