/* SPDX-License-Identifier: MIT */
#include "tools/load/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_MS_MAX 60000
#define STOP_MS_MAX 600000

static int
fail(struct chek_failure *failure, int code, const char *text)
{
    *failure = (struct chek_failure){.code = code};
    (void)snprintf(failure->text, sizeof failure->text, "%s",
                   text != NULL ? text : chek_error_text(code));
    return code;
}

static uint64_t
now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The path of a program beside this one. */
static int
beside(const char *name, char *path, size_t size)
{
    char self[1024];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) {
        return -errno;
    }
    self[length] = 0;
    char *slash = strrchr(self, '/');
    *slash = 0;
    (void)snprintf(path, size, "%s/%s", self, name);
    return access(path, X_OK) == 0 ? CHEK_OK : CHEK_E_NOT_FOUND;
}

/* In the child: never returns. The server goes when this program goes. */
__attribute__((noreturn)) static void
become_server(const struct chek_spawn *spawn, const char *program, uint32_t shards, int output)
{
    char count[16];
    (void)snprintf(count, sizeof count, "%u", shards);
    char *arguments[] = {(char *)(uintptr_t)program,
                         (char *)(uintptr_t) "--data",
                         (char *)(uintptr_t)spawn->folder,
                         (char *)(uintptr_t) "--listen",
                         (char *)(uintptr_t) "127.0.0.1:0",
                         shards != 0 ? (char *)(uintptr_t) "--shards" : NULL,
                         count,
                         NULL};
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)dup2(output, STDOUT_FILENO);
    (void)execv(program, arguments);
    _exit(127);
}

/* Read the line "chekd ready listen=HOST:PORT ...". */
static int
ready_wait(struct chek_spawn *spawn)
{
    char line[512];
    size_t size = 0;
    uint64_t deadline_ms = now_ms() + READY_MS_MAX;

    while (memchr(line, '\n', size) == NULL) {
        struct pollfd wait = {.fd = spawn->output, .events = POLLIN};
        uint64_t at_ms = now_ms();
        if (at_ms >= deadline_ms || poll(&wait, 1, (int)(deadline_ms - at_ms)) == 0) {
            return CHEK_E_TIMEOUT;
        }
        ssize_t got = read(spawn->output, line + size, sizeof line - 1 - size);
        if (got <= 0) {
            return CHEK_E_CLOSED;
        }
        size += (size_t)got;
    }
    line[size] = 0;
    const char *begin = strstr(line, "ready listen=");
    if (begin == NULL || sscanf(begin, "ready listen=%127s", spawn->address) != 1) {
        return CHEK_E_CLOSED;
    }
    return CHEK_OK;
}

int
chek_spawn_start(struct chek_spawn *spawn, const char *parent, uint32_t shards,
                 struct chek_failure *failure)
{
    char program[1100];
    int ends[2];

    *spawn = (struct chek_spawn){.pid = -1, .output = -1};
    int error = beside("chekd", program, sizeof program);
    if (error != CHEK_OK) {
        return fail(failure, error, "there is no chekd beside this program to --spawn");
    }
    (void)snprintf(spawn->folder, sizeof spawn->folder, "%s/chek-load-XXXXXX", parent);
    if (mkdtemp(spawn->folder) == NULL) {
        error = -errno;
        spawn->folder[0] = 0;
        return fail(failure, error, "cannot make a folder; --data says where");
    }
    (void)snprintf(spawn->token_file, sizeof spawn->token_file, "%s/admin.token", spawn->folder);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return fail(failure, -errno, NULL);
    }
    spawn->output = ends[0];
    spawn->pid = fork();
    if (spawn->pid == 0) {
        become_server(spawn, program, shards, ends[1]);
    }
    error = spawn->pid < 0 ? -errno : CHEK_OK;
    (void)close(ends[1]);
    if (error == CHEK_OK) {
        error = ready_wait(spawn);
    }
    return error == CHEK_OK ? CHEK_OK : fail(failure, error, "chekd does not become ready");
}

int
chek_spawn_stop(struct chek_spawn *spawn, struct chek_failure *failure)
{
    int status = 0;
    if (spawn->pid <= 0) {
        return CHEK_OK;
    }
    (void)kill(spawn->pid, SIGTERM);
    uint64_t deadline_ms = now_ms() + STOP_MS_MAX;
    pid_t ended;
    while ((ended = waitpid(spawn->pid, &status, WNOHANG)) == 0 && now_ms() < deadline_ms) {
        struct timespec pause = {.tv_nsec = 2000000};
        (void)nanosleep(&pause, NULL);
    }
    if (ended == 0) {
        (void)kill(spawn->pid, SIGKILL);
        (void)waitpid(spawn->pid, &status, 0);
    }
    spawn->pid = -1;
    (void)close(spawn->output);
    if (ended == 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return fail(failure, CHEK_E_CLOSED, "chekd did not stop in order");
    }
    return CHEK_OK;
}

static int
entry_remove(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
    (void)stat;
    (void)kind;
    (void)place;
    return remove(path);
}

void
chek_spawn_clean(struct chek_spawn *spawn)
{
    if (spawn->folder[0] != 0) {
        (void)nftw(spawn->folder, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
        spawn->folder[0] = 0;
    }
}
