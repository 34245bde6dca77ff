/* Waits for the threads of the library, and for other things that come soon. */
#ifndef THREADS_H
#define THREADS_H

#ifdef _WIN32
#include <windows.h>

#include <tlhelp32.h>

static inline void pause_a_millisecond(void)
{
    Sleep(1);
}

static inline int threads_here(void)
{
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    THREADENTRY32 entry;
    int count = 0, more;
    entry.dwSize = sizeof(entry);
    for (more = Thread32First(snapshot, &entry); more; more = Thread32Next(snapshot, &entry))
        count += entry.th32OwnerProcessID == GetCurrentProcessId();
    CloseHandle(snapshot);
    return count;
}

#else
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

static inline int threads_here(void)
{
    /* Without "." and "..". */
    return entries_of("/proc/self/task") - 2;
}

#endif

/** The thread sanitizer and qemu have one of their own. */
#ifdef THREADS_WHEN_ALONE
#elif defined(__SANITIZE_THREAD__)
#define THREADS_WHEN_ALONE 2
#else
#define THREADS_WHEN_ALONE 1
#endif

/** Whether no other thread of this process is there, now or within 20 seconds. */
static inline int is_alone_soon(void)
{
    int tries;
    for (tries = 0; threads_here() > THREADS_WHEN_ALONE; tries++) {
        if (tries == 20000) return 0;
        pause_a_millisecond();
    }
    return 1;
}

#endif
