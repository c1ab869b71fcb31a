/* SPDX-License-Identifier: MIT */
/*
 * last_words.h - does a call trip an assertion?
 *
 * The call is made in a child process, whose standard error is read. So a test can want that our
 * own misuse of a function is caught, and by which condition.
 */
#ifndef CHEK_TESTS_LAST_WORDS_H
#define CHEK_TESTS_LAST_WORDS_H

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAST_WORDS_SIZE 1024

/*
 * Run `call(argument)` in a child. True when it died by SIGABRT; `text` is what it said.
 */
static inline bool
last_words_of(void (*call)(void *argument), void *argument, char text[LAST_WORDS_SIZE])
{
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        call(argument);
        _exit(0);
    }
    close(ends[1]);
    size_t size = 0;
    ssize_t got;
    while ((got = read(ends[0], text + size, LAST_WORDS_SIZE - 1 - size)) > 0) {
        size += (size_t)got;
    }
    text[size] = '\0';
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
