/* Namespaces of the program's own: users, process ids, mounts; and a socket made before the network was left. */
#include "escape.h"

static void in_child(const char *what, int flags)
{
    int status;
    printf("%s:\n", what);
    if (!fork()) {
        int before = stream(), too = stream();
        if (unshare(flags)) {
            say("unshare", -1);
            _exit(0);
        }
        int child = fork(); /* only a child is in a new namespace of process ids */
        if (!child) {
            say("forbidden", connect_in(flags & CLONE_NEWNET ? before : stream(), forbidden_address()));
            say("allowed", connect_in(flags & CLONE_NEWNET ? too : stream(), allowed_address()));
            if (flags & CLONE_NEWNET) {
                say("forbidden there", connect_in(stream(), forbidden_address()));
                say("allowed there", connect_in(stream(), allowed_address()));
            }
            _exit(0);
        }
        waitpid(child, &status, 0);
        _exit(0);
    }
    wait(&status);
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    in_child("users", CLONE_NEWUSER);
    in_child("processes", CLONE_NEWUSER | CLONE_NEWPID);
    in_child("mounts", CLONE_NEWUSER | CLONE_NEWNS);
    in_child("network", CLONE_NEWUSER | CLONE_NEWNET);
}
