/* clock.so, for LD_PRELOAD: adds the seconds that the file CLOCK_OFFSET holds to the time of day that a program is told,
   so that a test can set the clock back for a guard and a worker and for nobody else. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *found)
{
    int result = (int)syscall(SYS_clock_gettime, clock, found);
    const char *path = getenv("CLOCK_OFFSET");
    if (!result && clock == CLOCK_REALTIME && path) {
        FILE *file = fopen(path, "re");
        long seconds = 0;
        if (file) {
            if (fscanf(file, "%ld", &seconds) == 1)
                found->tv_sec += seconds;
            fclose(file);
        }
    }
    return result;
}
