/* Waits for the threads of the library, and for other things that come soon. */
#ifndef THREADS_H
#define THREADS_H

#include <dirent.h>
#include <time.h>

static inline int entries_of(const char *directory)
{
    DIR *entries = opendir(directory);
    int count = 0;
    if (!entries) return -1;
    while (readdir(entries)) count++;
    closedir(entries);
    return count;
}

static inline void pause_a_millisecond(void)
{
    struct timespec millisecond = {0, 1000000};
    nanosleep(&millisecond, NULL);
}

/** ".", ".." and this thread; the thread sanitizer and qemu have one of their own. */
#ifdef TASKS_WHEN_ALONE
#elif defined(__SANITIZE_THREAD__)
#define TASKS_WHEN_ALONE 4
#else
#define TASKS_WHEN_ALONE 3
#endif

/** Whether no other thread of this process is there, now or within 20 seconds. */
static inline int is_alone_soon(void)
{
    int tries;
    for (tries = 0; entries_of("/proc/self/task") > TASKS_WHEN_ALONE; tries++) {
        if (tries == 20000) return 0;
        pause_a_millisecond();
    }
    return 1;
}

#endif
