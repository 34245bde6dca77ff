/*
 * Runs a program and tells what it cost.
 *
 *     measure OUTPUT PROGRAM [ARGUMENT]...
 *
 * Writes one line of JSON to OUTPUT: CPU seconds (user and system), wall seconds, peak resident set in KiB, exit status.
 * A process inherits the peak resident set of the one that it was forked from, so a program that is started from a
 * script seems to need as much memory as the script. This one is small enough not to be seen.
 */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    double start, wall;
    int status;
    pid_t child;
    FILE *output;

    if (argc < 3) {
        fprintf(stderr, "usage: %s OUTPUT PROGRAM [ARGUMENT]...\n", argv[0]);
        return 2;
    }
    start = now();
    child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        perror("measure");
        return 2;
    }
    wall = now() - start;
    status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    output = fopen(argv[1], "w");
    if (output == NULL) {
        perror(argv[1]);
        return 2;
    }
    fprintf(output, "{\"cpu\":%.6f,\"wall\":%.6f,\"rss_kib\":%ld,\"status\":%d}\n",
            seconds(usage.ru_utime) + seconds(usage.ru_stime), wall, usage.ru_maxrss, status);
    return fclose(output) == 0 ? status : 2;
}
