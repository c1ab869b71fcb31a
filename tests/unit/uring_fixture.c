/* SPDX-License-Identifier: MIT */
#include "tests/unit/uring_fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "engine/base/assertion.h"

int
uring_fixture_skip(void)
{
    char text[CHEK_URING_TEXT_SIZE];

    if (chek_uring_probe(text, sizeof text) == CHEK_OK) {
        return 0;
    }
    printf("skipped: %s\n", text);
    return 77;
}

void
uring_fixture_folder_make(char *folder, size_t size)
{
    const char *place = getenv("TMPDIR");
    int length = snprintf(folder, size, "%s/chek.XXXXXX", place != NULL ? place : "/tmp");

    CHEK_ASSERT(length > 0 && (size_t)length < size);
    CHEK_ASSERT(mkdtemp(folder) != NULL);
}

static int
entry_remove(const char *path, const struct stat *state, int type, struct FTW *where)
{
    (void)state;
    (void)type;
    (void)where;
    return remove(path);
}

void
uring_fixture_folder_remove(const char *folder)
{
    int error = nftw(folder, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
    CHEK_ASSERT(error == 0);
}

void
uring_fixture_open(struct uring_fixture *fixture, unsigned shard_count,
                   const struct chek_uring_options *options)
{
    *fixture = (struct uring_fixture){.shard_count = shard_count};
    uring_fixture_folder_make(fixture->folder, sizeof fixture->folder);
    int error = chek_uring_group_create(fixture->folder, shard_count, options, &fixture->group);
    CHEK_ASSERT(error == CHEK_OK);
}

static void *
shard_main(void *io)
{
    int error = chek_uring_run(io);
    CHEK_ASSERT(error == CHEK_OK);
    return NULL;
}

void
uring_fixture_start(struct uring_fixture *fixture)
{
    for (unsigned i = 0; i < fixture->shard_count; i++) {
        int error = pthread_create(&fixture->threads[i], NULL, shard_main,
                                   chek_uring_io(fixture->group, i));
        CHEK_ASSERT(error == 0);
        fixture->started_count += 1;
    }
}

void
uring_fixture_join(struct uring_fixture *fixture)
{
    for (unsigned i = 0; i < fixture->started_count; i++) {
        pthread_join(fixture->threads[i], NULL);
    }
    fixture->started_count = 0;
}

void
uring_fixture_stop(struct uring_fixture *fixture)
{
    chek_uring_stop(fixture->group);
    uring_fixture_join(fixture);
}

void
uring_fixture_close(struct uring_fixture *fixture)
{
    uring_fixture_stop(fixture);
    chek_uring_group_destroy(fixture->group);
    uring_fixture_folder_remove(fixture->folder);
}

/* connect(2); an interrupted one goes on by itself and is waited for. */
static int
connect_wait(int file, const struct sockaddr_in *address)
{
    struct pollfd poll_file = {.fd = file, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof error;

    if (connect(file, (const struct sockaddr *)address, sizeof *address) == 0) {
        return CHEK_OK;
    }
    if (errno != EINTR) {
        return -errno;
    }
    while (poll(&poll_file, 1, -1) < 0) {
        CHEK_ASSERT(errno == EINTR);
    }
    getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size);
    return -error;
}

int
uring_fixture_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = URING_FIXTURE_WAIT_S_MAX};
    int one = 1;
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHEK_ASSERT(file >= 0);
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int error = connect_wait(file, &address);
    if (error != CHEK_OK) {
        close(file);
        return error;
    }
    return file;
}

ssize_t
uring_fixture_receive(int socket, void *bytes, size_t size)
{
    ssize_t got;

    do {
        got = recv(socket, bytes, size, 0);
    } while (got < 0 && errno == EINTR);
    return got;
}

bool
uring_fixture_read(int socket, void *bytes, size_t size)
{
    uint8_t *at = bytes;

    while (size > 0) {
        ssize_t got = uring_fixture_receive(socket, at, size);
        if (got <= 0) {
            return false;
        }
        at += got;
        size -= (size_t)got;
    }
    return true;
}

bool
uring_fixture_write(int socket, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    while (size > 0) {
        ssize_t got = send(socket, at, size, MSG_NOSIGNAL);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        size -= (size_t)got;
    }
    return true;
}

unsigned
uring_fixture_file_count(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");

    CHEK_ASSERT(folder != NULL);
    while (readdir(folder) != NULL) {
        count += 1;
    }
    closedir(folder);
    return count;
}
