/* SPDX-License-Identifier: MIT */
/*
 * uring_address.c - "HOST:PORT" to a listening socket. No name is ever looked up: a server must
 * start, or fail to, without asking the network.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/io/uring_shard.h"

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t size;
};

static int
port_read(const char *text, uint16_t *ret)
{
    uint32_t port = 0;

    if (*text == '\0') {
        return CHEK_E_USAGE;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return CHEK_E_USAGE;
        }
        port = port * 10 + (uint32_t)(*text - '0');
        if (port > UINT16_MAX) {
            return CHEK_E_USAGE;
        }
    }
    *ret = (uint16_t)port;
    return CHEK_OK;
}

/* "127.0.0.1:9300", "localhost:9300", "[::1]:9300". */
static int
address_read(const char *text, struct address *ret)
{
    char host[CHEK_ADDRESS_TEXT_MAX];
    const char *colon = strrchr(text, ':');
    struct address address = {0};
    uint16_t port;

    if (colon == NULL || (size_t)(colon - text) >= sizeof host ||
        port_read(colon + 1, &port) != CHEK_OK) {
        return CHEK_E_USAGE;
    }
    size_t size = (size_t)(colon - text);
    memcpy(host, text, size);
    host[size] = '\0';
    if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
        host[size - 1] = '\0';
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        address.size = sizeof address.v6;
        if (inet_pton(AF_INET6, host + 1, &address.v6.sin6_addr) != 1) {
            return CHEK_E_USAGE;
        }
    } else {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
        address.size = sizeof address.v4;
        const char *numeric = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
        if (inet_pton(AF_INET, numeric, &address.v4.sin_addr) != 1) {
            return CHEK_E_USAGE;
        }
    }
    *ret = address;
    return CHEK_OK;
}

/*
 * A peer that vanished (a cable, a gateway that forgot the connection) says nothing, and one that
 * may be idle for ever has no deadline above us: the system asks it, and gives up on it.
 *
 *   Source  tcp(7), TCP_KEEPIDLE and TCP_USER_TIMEOUT
 */
static int
socket_watch(int file)
{
    const struct option {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, CHEK_STREAM_SILENCE_S_MAX / 2},
        {IPPROTO_TCP, TCP_KEEPINTVL, CHEK_STREAM_SILENCE_S_MAX / 12},
        {IPPROTO_TCP, TCP_KEEPCNT, 6},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, CHEK_STREAM_SILENCE_S_MAX * 1000},
    };
    for (size_t i = 0; i < CHEK_COUNT(options); i++) {
        if (setsockopt(file, options[i].level, options[i].name, &options[i].value,
                       sizeof options[i].value) != 0) {
            return -errno;
        }
    }
    return CHEK_OK;
}

static int
socket_listen(int file, struct address *address, uint16_t *ret_port)
{
    int one = 1;
    int error = socket_watch(file); /* accepted sockets inherit all of these */

    if (error != CHEK_OK) {
        return error;
    }
    /* Accepted sockets inherit TCP_NODELAY: a reply is one send and must not wait for another. */
    if (setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        bind(file, &address->any, address->size) != 0 || listen(file, SOMAXCONN) != 0 ||
        getsockname(file, &address->any, &address->size) != 0) {
        return -errno;
    }
    *ret_port =
        ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
    return CHEK_OK;
}

int
io__address_listen(const char *text, int *ret_file, uint16_t *ret_port)
{
    struct address address;
    int error = address_read(text, &address);

    if (error != CHEK_OK) {
        return error;
    }
    /* Not O_NONBLOCK: io_uring would then report EAGAIN instead of waiting. */
    int file = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) {
        return -errno;
    }
    error = socket_listen(file, &address, ret_port);
    if (error != CHEK_OK) {
        close(file);
        return error;
    }
    *ret_file = file;
    return CHEK_OK;
}
