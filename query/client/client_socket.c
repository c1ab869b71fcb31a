/* SPDX-License-Identifier: MIT */
/*
 * client_socket.c - from "host:port" to a connected socket, within a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "query/client/client_run.h"

#define HOST_SIZE_MAX 255

uint64_t
client__now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void
client__sleep_ms(uint32_t wait_ms)
{
    struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    while (nanosleep(&wait, &wait) != 0 && errno == EINTR) {
    }
}

int
client__fail(struct chek_failure *failure, int code, const char *text)
{
    if (failure != NULL) {
        *failure = (struct chek_failure){.code = code};
        (void)snprintf(failure->text, sizeof failure->text, "%s",
                       text != NULL ? text : chek_error_text(code));
    }
    return code;
}

/* "host", "host:port" or "[host]:port" in two; false when it is neither. */
static bool
address_split(const char *address, char host[HOST_SIZE_MAX + 1], char port[8])
{
    const char *host_end = strrchr(address, ':');
    const char *host_begin = address;
    const char *port_begin = CHEK_CLIENT_PORT_DEFAULT;

    if (address[0] == '[') {
        host_begin = address + 1;
        host_end = strchr(address, ']');
        if (host_end == NULL || (host_end[1] != 0 && host_end[1] != ':')) {
            return false;
        }
        port_begin = host_end[1] == ':' ? host_end + 2 : port_begin;
    } else if (host_end != NULL && strchr(address, ':') == host_end) {
        port_begin = host_end + 1;
    } else {
        host_end = address + strlen(address);
    }
    size_t size = (size_t)(host_end - host_begin);
    size_t digits = strspn(port_begin, "0123456789");
    if (size == 0 || size > HOST_SIZE_MAX || digits == 0 || digits > 5 || port_begin[digits] != 0) {
        return false;
    }
    memcpy(host, host_begin, size);
    host[size] = 0;
    memcpy(port, port_begin, digits + 1);
    return true;
}

/* Wait until a connect() that is under way has come to its end. */
static int
connect_wait(int socket, uint64_t deadline_ms)
{
    for (;;) {
        uint64_t now_ms = client__now_ms();
        struct pollfd wait = {.fd = socket, .events = POLLOUT};
        int ready = now_ms < deadline_ms ? poll(&wait, 1, (int)(deadline_ms - now_ms)) : 0;
        if (ready > 0) {
            int error = 0;
            socklen_t size = sizeof error;
            (void)getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
            return -error;
        }
        if (ready == 0) {
            return CHEK_E_TIMEOUT;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

static int
connect_one(const struct addrinfo *info, uint64_t deadline_ms, int *ret)
{
    int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    int error = connect(fd, info->ai_addr, info->ai_addrlen) == 0 ? CHEK_OK : -errno;
    if (error == -EINPROGRESS || error == -EINTR) {
        error = connect_wait(fd, deadline_ms);
    }
    if (error != CHEK_OK) {
        (void)close(fd);
        return error;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *ret = fd;
    return CHEK_OK;
}

int
client__socket_open(const char *address, uint32_t timeout_ms, int *ret,
                    struct chek_failure *failure)
{
    char host[HOST_SIZE_MAX + 1];
    char port[8];
    char text[sizeof failure->text];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    uint64_t deadline_ms = client__now_ms() + timeout_ms;

    if (!address_split(address, host, port)) {
        (void)snprintf(text, sizeof text, "'%.200s' is not HOST:PORT", address);
        return client__fail(failure, CHEK_E_USAGE, text);
    }
    int problem = getaddrinfo(host, port, &hints, &found);
    if (problem != 0) {
        (void)snprintf(text, sizeof text, "%.100s: %.100s", host, gai_strerror(problem));
        return client__fail(failure, CHEK_E_NOT_FOUND, text);
    }
    int error = CHEK_E_NOT_FOUND;
    for (struct addrinfo *info = found; info != NULL && error != CHEK_OK; info = info->ai_next) {
        error = connect_one(info, deadline_ms, ret);
    }
    freeaddrinfo(found);
    if (error != CHEK_OK) {
        (void)snprintf(text, sizeof text, "%.100s:%s: %.100s", host, port, chek_error_text(error));
        return client__fail(failure, error, text);
    }
    return CHEK_OK;
}
