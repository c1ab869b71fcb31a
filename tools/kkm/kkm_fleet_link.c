/* SPDX-License-Identifier: MIT */
/*
 * kkm_fleet_link.c - a register's connection: connect, say, hear, cut.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "tools/kkm/kkm_fleet_run.h"

#define MILLISECOND_NS UINT64_C(1000000)
#define WAIT_NS_MIN (2 * MILLISECOND_NS)
#define WAIT_NS_MAX (500 * MILLISECOND_NS)
#define SOURCES_A_BLOCK 250 /* 127.0.1.1 .. 127.0.1.250, 127.0.2.1 .. */

static void
rest_free(struct kkm__link *link)
{
    chek_memory_free(link->rest, link->rest_size);
    link->rest = NULL;
    link->rest_size = link->rest_at = 0;
}

static void
link_close(struct kkm__link *link, bool is_reset)
{
    if (link->fd >= 0) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        if (is_reset) {
            (void)setsockopt(link->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        }
        (void)close(link->fd);
        link->fd = -1;
    }
    rest_free(link);
}

void
kkm__link_end(struct kkm__fleet *fleet, uint32_t index)
{
    struct kkm__link *link = &fleet->links[index];
    if (link->state != KKM__LINK_GONE) {
        link_close(link, false);
        link->state = KKM__LINK_GONE;
        link->due_ns = KKM__NEVER_NS;
        fleet->gone_count += 1;
    }
}

/* Twice as long every time, so that a server that starts again is not met by all at once. */
static uint64_t
wait_ns(struct kkm__fleet *fleet, uint32_t index)
{
    struct kkm__link *link = &fleet->links[index];
    uint64_t longest_ns = WAIT_NS_MIN << (link->fail_count < 10 ? link->fail_count : 10);
    longest_ns = longest_ns < WAIT_NS_MAX ? longest_ns : WAIT_NS_MAX;
    link->fail_count += 1;
    return chek_prng_below(&fleet->registers[index].trouble, longest_ns) + MILLISECOND_NS;
}

void
kkm__link_break(struct kkm__fleet *fleet, uint32_t index, bool is_reset)
{
    struct kkm__link *link = &fleet->links[index];
    link_close(link, is_reset);
    chek_kkm_register_broken(&fleet->registers[index], &fleet->shared);
    link->state = KKM__LINK_IDLE;
    link->due_ns = fleet->now_ns + wait_ns(fleet, index);
}

/* ---- say -------------------------------------------------------------------------------------- */

static void
link_watch(struct kkm__fleet *fleet, uint32_t index, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = index};
    int done = epoll_ctl(fleet->epoll, EPOLL_CTL_MOD, fleet->links[index].fd, &event);
    CHEK_ASSERT(done == 0);
}

/* All of the request that is to go out is out. */
static void
link_said(struct kkm__fleet *fleet, uint32_t index)
{
    struct kkm__link *link = &fleet->links[index];
    if (link->cut.kind == CHEK_KKM_CUT_SENDING || link->cut.kind == CHEK_KKM_CUT_WAITING) {
        kkm__link_break(fleet, index, link->cut.is_reset);
        return;
    }
    link->state = KKM__LINK_WAITING;
    link->due_ns = fleet->now_ns + fleet->options->timeout_ms * MILLISECOND_NS;
}

/* Keep bytes for later; they are few registers' at a time. */
static bool
rest_keep(struct kkm__link *link, const uint8_t *bytes, size_t size)
{
    CHEK_ASSERT(link->rest == NULL);
    link->rest = chek_memory_allocate(size);
    if (link->rest == NULL) {
        return false;
    }
    memcpy(link->rest, bytes, size);
    link->rest_size = (uint32_t)size;
    link->rest_at = 0;
    return true;
}

static void
link_send(struct kkm__fleet *fleet, uint32_t index, const uint8_t *bytes, size_t size)
{
    struct kkm__link *link = &fleet->links[index];
    ssize_t sent = size == 0 ? 0 : send(link->fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        kkm__link_break(fleet, index, false);
        return;
    }
    size_t gone = sent < 0 ? 0 : (size_t)sent;
    if (gone == size) {
        link_said(fleet, index);
    } else if (rest_keep(link, bytes + gone, size - gone)) {
        link->state = KKM__LINK_SENDING;
        link->due_ns = fleet->now_ns + fleet->options->timeout_ms * MILLISECOND_NS;
        link_watch(fleet, index, EPOLLIN | EPOLLOUT);
    } else {
        kkm__link_break(fleet, index, false);
    }
}

/* Say what is next; the connection is there. */
static void
link_say(struct kkm__fleet *fleet, uint32_t index)
{
    struct kkm__link *link = &fleet->links[index];
    struct chek_kkm_register *kkm = &fleet->registers[index];
    size_t size = chek_kkm_register_request(kkm, &fleet->shared, fleet->request);
    if (size == 0) {
        kkm__link_end(fleet, index);
        return;
    }
    link->cut = chek_kkm_register_cut(kkm, &fleet->shared, size);
    if (link->cut.kind == CHEK_KKM_CUT_SENDING) {
        size = link->cut.at;
    }
    link_send(fleet, index, fleet->request, size);
}

static void
link_send_rest(struct kkm__fleet *fleet, uint32_t index)
{
    struct kkm__link *link = &fleet->links[index];
    ssize_t sent =
        send(link->fd, link->rest + link->rest_at, link->rest_size - link->rest_at, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            kkm__link_break(fleet, index, false);
        }
        return;
    }
    link->rest_at += (uint32_t)sent;
    if (link->rest_at == link->rest_size) {
        rest_free(link);
        link_watch(fleet, index, EPOLLIN);
        link_said(fleet, index);
    }
}

/* ---- hear ------------------------------------------------------------------------------------- */

static void
link_answered(struct kkm__fleet *fleet, uint32_t index, size_t size)
{
    struct kkm__link *link = &fleet->links[index];
    struct chek_kkm_register *kkm = &fleet->registers[index];
    bool is_document = kkm->pending.kind == CHEK_KKM_REQUEST_DOCUMENT && !kkm->is_pinging;

    link->cut.kind = CHEK_KKM_CUT_NOT;
    fleet->answer_ns = fleet->now_ns;
    fleet->heard_count += link->was_heard ? 0 : 1;
    link->was_heard = true;
    bool goes_on =
        chek_kkm_register_answer(kkm, &fleet->shared, chek_bytes_view_of(fleet->answer, size));
    if (!goes_on) {
        link->state = KKM__LINK_PAUSING;
        link->due_ns = fleet->now_ns + wait_ns(fleet, index);
        return;
    }
    link->fail_count = 0;
    if (is_document) {
        chek_histogram_add(&fleet->run->latency, kkm__now_ns() - link->begin_ns);
    }
    link->begin_ns = kkm__now_ns();
    if (!fleet->options->connection_per_ticket) {
        link_say(fleet, index);
    } else if (chek_kkm_register_plans(kkm, &fleet->shared)) {
        link_close(link, false);
        kkm__link_connect(fleet, index);
    } else {
        kkm__link_end(fleet, index);
    }
}

/* Bytes the answer has by its head; 0 when the head is not there yet. Below 0: it is none. */
static int64_t
answer_size(const uint8_t *bytes, size_t size)
{
    struct chek_kkm_head head;
    int error = chek_kkm_head_read(chek_bytes_view_of(bytes, size), &head);
    if (error == CHEK_E_SHORT) {
        return 0;
    }
    return error == CHEK_OK ? (int64_t)head.size : error;
}

static void
link_hear(struct kkm__fleet *fleet, uint32_t index)
{
    struct kkm__link *link = &fleet->links[index];
    bool is_cut = link->cut.kind == CHEK_KKM_CUT_READING;
    size_t there = link->rest_size;
    size_t room = is_cut ? link->cut.at - (there < link->cut.at ? there : link->cut.at)
                         : sizeof fleet->answer - there;

    if (room == 0) {
        kkm__link_break(fleet, index, link->cut.is_reset);
        return;
    }
    if (there != 0) {
        memcpy(fleet->answer, link->rest, there);
    }
    ssize_t heard = recv(link->fd, fleet->answer + there, room, 0);
    if (heard <= 0) {
        if (heard == 0 || (errno != EAGAIN && errno != EINTR)) {
            kkm__link_break(fleet, index, false);
        }
        return;
    }
    size_t size = there + (size_t)heard;
    int64_t wanted = answer_size(fleet->answer, size);
    rest_free(link);
    /* What is no answer, or has more behind it than was asked for, is the register's to judge. */
    if (wanted < 0 || (wanted != 0 && size >= (size_t)wanted)) {
        link_answered(fleet, index, size);
    } else if (!rest_keep(link, fleet->answer, size)) {
        kkm__link_break(fleet, index, false);
    }
}

/* ---- connect ---------------------------------------------------------------------------------- */

/* A source address for each register. The port is chosen when the target is known. */
static int
source_bind(int fd, uint32_t index)
{
    int on = 1;
    uint32_t address =
        UINT32_C(0x7f000000) + (1 + index / SOURCES_A_BLOCK) * 256 + 1 + index % SOURCES_A_BLOCK;
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, (const struct sockaddr *)&source, sizeof source);
}

void
kkm__link_connect(struct kkm__fleet *fleet, uint32_t index)
{
    struct kkm__link *link = &fleet->links[index];
    int on = 1;

    CHEK_ASSERT(link->fd < 0);
    link->fd = socket(fleet->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0) {
        kkm__link_break(fleet, index, false);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.u32 = index};
    (void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bool is_begun =
        (!fleet->is_local || source_bind(link->fd, index) == 0) &&
        (connect(link->fd, (const struct sockaddr *)&fleet->address, fleet->address_size) == 0 ||
         errno == EINPROGRESS) &&
        epoll_ctl(fleet->epoll, EPOLL_CTL_ADD, link->fd, &event) == 0;
    if (!is_begun) {
        kkm__link_break(fleet, index, false);
        return;
    }
    link->state = KKM__LINK_CONNECTING;
    link->due_ns = fleet->now_ns + fleet->options->timeout_ms * MILLISECOND_NS;
    fleet->run->connections += 1;
}

static void
link_connected(struct kkm__fleet *fleet, uint32_t index)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fleet->links[index].fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 ||
        error != 0) {
        kkm__link_break(fleet, index, false);
        return;
    }
    link_watch(fleet, index, EPOLLIN);
    link_say(fleet, index);
}

void
kkm__link_due(struct kkm__fleet *fleet, uint32_t index)
{
    struct kkm__link *link = &fleet->links[index];
    switch (link->state) {
    case KKM__LINK_IDLE:
        link->begin_ns = fleet->now_ns;
        kkm__link_connect(fleet, index);
        break;
    case KKM__LINK_PAUSING:
        link->begin_ns = fleet->now_ns;
        link_say(fleet, index);
        break;
    case KKM__LINK_GONE:
        break;
    default:
        kkm__link_break(fleet, index, false);
        break;
    }
}

void
kkm__link_event(struct kkm__fleet *fleet, uint32_t index, uint32_t events)
{
    struct kkm__link *link = &fleet->links[index];
    switch (link->state) {
    case KKM__LINK_CONNECTING:
        if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
            link_connected(fleet, index);
        }
        break;
    case KKM__LINK_SENDING:
        if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
            kkm__link_break(fleet, index, false);
        } else if ((events & EPOLLOUT) != 0) {
            link_send_rest(fleet, index);
        }
        break;
    case KKM__LINK_WAITING:
        link_hear(fleet, index);
        break;
    case KKM__LINK_PAUSING:
        kkm__link_break(fleet, index, false); /* nothing was asked: the server has gone */
        break;
    default:
        break;
    }
}
