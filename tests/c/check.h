/*
 * Assertions. A failed one prints where and why, and the program goes on; check_end() gives main()'s result.
 */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_count;
static int check_failures;
/** What is being tried, for loops over many cases. */
static const char *check_case = "";
/** For programs that give their standard error away. */
static FILE *check_other_output;

static inline FILE *check_output(void) { return check_other_output ? check_other_output : stderr; }

static inline int check_at(const char *file, int line, int holds, const char *what)
{
    check_count++;
    if (!holds) {
        check_failures++;
        fprintf(check_output(), "%s:%d: %s [%s]\n", file, line, what, check_case);
    }
    return holds;
}

static inline int check_numbers_at(const char *file, int line, const char *what, int64_t is, int64_t wanted)
{
    if (check_at(file, line, is == wanted, what)) return 1;
    fprintf(check_output(), "    is %" PRId64 ", should be %" PRId64 "\n", is, wanted);
    return 0;
}

static inline int check_contains_at(const char *file, int line, const char *text, const char *part)
{
    if (check_at(file, line, strstr(text, part) != NULL, "the text lacks the words")) return 1;
    fprintf(check_output(), "    \"%s\" is not in \"%s\"\n", part, text);
    return 0;
}

#define CHECK(condition) check_at(__FILE__, __LINE__, (condition) != 0, #condition)
#define CHECK_NUMBER(is, wanted) \
    check_numbers_at(__FILE__, __LINE__, #is " == " #wanted, (int64_t)(is), (int64_t)(wanted))
#define CHECK_CONTAINS(text, part) check_contains_at(__FILE__, __LINE__, text, part)
/** For what the rest of the program cannot do without. */
#define REQUIRE(condition)                                   \
    do {                                                     \
        if (!CHECK(condition)) {                             \
            fprintf(check_output(), "    the program ends here\n"); \
            exit(1);                                         \
        }                                                    \
    } while (0)

static inline int check_end(void)
{
    printf("%d checks, %d failed\n", check_count, check_failures);
    return check_failures != 0 || check_count == 0;
}

#endif
