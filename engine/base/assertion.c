/* SPDX-License-Identifier: MIT */
/*
 * assertion.c - the last words of a process that found its own bug.
 *
 * No allocation, no stdio: the heap may be what is broken. The text holds a condition and a place,
 * never a value, so it cannot carry personal data.
 */
#include "engine/base/assertion.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t
text_append(char *text, size_t size, size_t capacity, const char *addition)
{
    size_t addition_size = strlen(addition);
    if (addition_size > capacity - size) {
        addition_size = capacity - size;
    }
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): write(2) takes a size */
    memcpy(text + size, addition, addition_size);
    return size + addition_size;
}

static size_t
text_append_number(char *text, size_t size, size_t capacity, unsigned number)
{
    char digits[12];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return text_append(text, size, capacity, digits + at);
}

void
chek_assertion_failed(const char *condition, const char *file, int line)
{
    char text[512];
    size_t size = text_append(text, 0, sizeof text - 1, file);
    size = text_append(text, size, sizeof text - 1, ":");
    size = text_append_number(text, size, sizeof text - 1, (unsigned)line);
    size = text_append(text, size, sizeof text - 1, ": assertion failed: ");
    size = text_append(text, size, sizeof text - 1, condition);
    text[size++] = '\n';

    /* Nothing better is left to do when stderr is closed. */
    ssize_t written = write(STDERR_FILENO, text, size);
    (void)written;
    abort();
}
