/* A thread executes another program while one waits in accept with an address to be filled in: nothing may be written
   into the new program. It finds its memory as the linker laid it out.
   gcc: -no-pie */
#include "escape.h"

static struct { struct sockaddr_storage peer; socklen_t length; } written = {.length = sizeof(struct sockaddr_storage)};
static struct sockaddr_in server;
static int listener, leader_accepts = 1;

static void *knock(void *nothing)
{
    for (;;) {
        int client = short_lived();
        connect_in(client, server);
        close(client);
    }
    return nothing;
}

static void *accepts(void *nothing)
{
    for (;;) {
        written.length = sizeof written.peer;
        close(accept(listener, (struct sockaddr *)&written.peer, &written.length));
    }
    return nothing;
}

static void *executes(void *program)
{
    usleep((unsigned)(rand() ^ getpid()) % 3000);
    execl(program, program, "1", "1", "1", "look", NULL);
    _exit(9);
}

/* Stops the guard again and again, as a busy machine would: between two of its steps much can happen. */
static int stall(int guard)
{
    int child = fork();
    if (child)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        usleep((unsigned)rand() % 300);
        kill(guard, SIGSTOP);
        usleep(1500);
        kill(guard, SIGCONT);
        usleep((unsigned)rand() % 300);
    }
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    if (count > 4) { /* the new program: was anything written into it? */
        for (int wait = 0; wait < 20; wait++) {
            for (size_t at = 0; at < sizeof written.peer; at++)
                if (((volatile char *)&written.peer)[at])
                    return 1;
            usleep(100);
        }
        return written.length == sizeof written.peer ? 0 : 1;
    }
    int wrong = 0, fine = 0, other = 0, on = 1, staller = stall(getppid());
    for (int round = 0; round < rounds; round++) {
        int status, child = fork();
        if (!child) {
            socklen_t length = sizeof server;
            srand((unsigned)round);
            listener = bound(ALLOWED, SOCK_CLOEXEC);
            setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            if (listen(listener, 64))
                _exit(8);
            getsockname(listener, (struct sockaddr *)&server, &length);
            spawn(knock, NULL);
            spawn(executes, arguments[0]);
            accepts(&leader_accepts);
        }
        waitpid(child, &status, 0);
        if (!WIFEXITED(status))
            other++;
        else
            *(WEXITSTATUS(status) == 0 ? &fine : WEXITSTATUS(status) == 1 ? &wrong : &other) += 1;
    }
    kill(staller, SIGKILL);
    kill(getppid(), SIGCONT);
    printf("wrong %d\nfine %d\nother %d\n", wrong, fine > 0, other);
}
