/*
 * Makes a tree of small files.
 *
 *     tree FOLDER FILES SIZE IN_EACH
 *
 * File number N is FOLDER/DDDD/NNNNNNN, with IN_EACH files in each folder, so that the order of the numbers is the order of
 * the paths. The content follows from the number alone.
 */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void fill(uint64_t *words, size_t count, uint64_t number)
{
    uint64_t state = number * 0x9e3779b97f4a7c15u + 1;
    size_t i;
    for (i = 0; i < count; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        words[i] = state;
    }
}

static int make_file(const char *path, const void *content, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    ssize_t written = file < 0 ? -1 : write(file, content, size);
    return file >= 0 && close(file) == 0 && written == (ssize_t)size ? 0 : -1;
}

int main(int argc, char **argv)
{
    char path[4096];
    long files, in_each, number;
    uint64_t *words;
    size_t size;

    if (argc != 5 || (files = atol(argv[2])) < 1 || (in_each = atol(argv[4])) < 1) {
        fprintf(stderr, "usage: %s FOLDER FILES SIZE IN_EACH\n", argv[0]);
        return 2;
    }
    size = strtoul(argv[3], NULL, 10);
    words = malloc(size + sizeof(*words));
    if (words == NULL) return 1;
    for (number = 0; number < files; number++) {
        snprintf(path, sizeof(path), "%s/%04ld", argv[1], number / in_each);
        if (number % in_each == 0 && mkdir(path, 0755) != 0) break;
        snprintf(path, sizeof(path), "%s/%04ld/%07ld", argv[1], number / in_each, number);
        fill(words, size / sizeof(*words) + 1, (uint64_t)number);
        if (make_file(path, words, size) != 0) break;
    }
    if (number < files) perror(path);
    free(words);
    return number < files;
}
