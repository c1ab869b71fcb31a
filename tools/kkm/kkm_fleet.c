/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_fleet.h"

#include <errno.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "tools/kkm/kkm_fleet_run.h"

#define SWEEP_MS 5
#define PROGRESS_NS UINT64_C(200000000)
#define FILES_KEPT 32 /* for everything but connections */
#define HOST_SIZE 256

uint64_t
kkm__now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Raise the file limit as far as it is wanted and may be; returns the connections it allows. */
static uint32_t
files_allow(uint32_t wanted)
{
    struct rlimit limit;
    rlim_t need = (rlim_t)wanted + FILES_KEPT;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return wanted;
    }
    if (limit.rlim_cur < need) {
        struct rlimit more = {.rlim_cur = need,
                              .rlim_max = limit.rlim_max < need ? need : limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &more) != 0) {
            more = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
            (void)setrlimit(RLIMIT_NOFILE, &more);
        }
        if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
            return wanted;
        }
    }
    if (limit.rlim_cur >= need) {
        return wanted;
    }
    return limit.rlim_cur > FILES_KEPT ? (uint32_t)limit.rlim_cur - FILES_KEPT : 1;
}

/* "HOST:PORT" or "[IPV6]:PORT". */
static int
address_find(struct kkm__fleet *fleet, const char *text)
{
    char host[HOST_SIZE];
    const char *colon = strrchr(text, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    struct addrinfo *found = NULL;

    if (colon == NULL || colon == text || colon[1] == 0 || (size_t)(colon - text) >= HOST_SIZE) {
        return CHEK_E_USAGE;
    }
    bool is_bracketed = text[0] == '[' && colon[-1] == ']';
    size_t size = (size_t)(colon - text) - (is_bracketed ? 2 : 0);
    memcpy(host, text + (is_bracketed ? 1 : 0), size);
    host[size] = 0;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        return CHEK_E_NOT_FOUND;
    }
    memcpy(&fleet->address, found->ai_addr, found->ai_addrlen);
    fleet->address_size = found->ai_addrlen;
    freeaddrinfo(found);
    if (fleet->address.ss_family == AF_INET) {
        struct sockaddr_in target;
        memcpy(&target, &fleet->address, sizeof target);
        fleet->is_local = ntohl(target.sin_addr.s_addr) >> 24 == 127;
    }
    return CHEK_OK;
}

static void
fleet_close(struct kkm__fleet *fleet)
{
    uint32_t count = fleet->options->register_count;
    if (fleet->links != NULL) {
        for (uint32_t i = 0; i < fleet->begun_count; i++) {
            kkm__link_end(fleet, i);
        }
        chek_memory_free(fleet->links, count * sizeof *fleet->links);
    }
    if (fleet->registers != NULL) {
        chek_memory_free(fleet->registers, count * sizeof *fleet->registers);
    }
    if (fleet->epoll >= 0) {
        (void)close(fleet->epoll);
    }
    chek_kkm_shared_finish(&fleet->shared);
    chek_memory_free(fleet, sizeof *fleet);
}

static int
fleet_open(const struct chek_kkm_options *options, struct chek_kkm_run *run,
           struct kkm__fleet **ret)
{
    struct kkm__fleet *fleet = chek_memory_allocate(sizeof *fleet);
    if (fleet == NULL) {
        return -ENOMEM;
    }
    fleet->options = options;
    fleet->run = run;
    fleet->epoll = -1;
    int error = chek_kkm_shared_init(&fleet->shared, options);
    if (error != CHEK_OK) {
        chek_memory_free(fleet, sizeof *fleet);
        return error;
    }
    error = address_find(fleet, options->cpcr);
    fleet->registers = chek_memory_allocate(options->register_count * sizeof *fleet->registers);
    fleet->links = chek_memory_allocate(options->register_count * sizeof *fleet->links);
    fleet->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (error == CHEK_OK && (fleet->registers == NULL || fleet->links == NULL)) {
        error = -ENOMEM;
    } else if (error == CHEK_OK && fleet->epoll < 0) {
        error = -errno;
    }
    if (error != CHEK_OK) {
        fleet_close(fleet);
        return error;
    }
    *ret = fleet;
    return CHEK_OK;
}

/* Begin the lives of registers until as many are at work as may be. They do not come all at once: a
 * server that is slow to accept would answer those that have given up. */
static void
fleet_begin_more(struct kkm__fleet *fleet)
{
    while (fleet->begun_count < fleet->options->register_count &&
           fleet->begun_count - fleet->gone_count < fleet->run->at_once &&
           fleet->begun_count - fleet->heard_count < KKM__UNHEARD_COUNT_MAX) {
        uint32_t index = fleet->begun_count++;
        chek_kkm_register_init(&fleet->registers[index], fleet->options, index);
        fleet->links[index] = (struct kkm__link){.fd = -1, .due_ns = fleet->now_ns};
    }
}

static void
fleet_sweep(struct kkm__fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->begun_count; i++) {
        if (fleet->links[i].due_ns <= fleet->now_ns) {
            kkm__link_due(fleet, i);
        }
    }
    fleet_begin_more(fleet);
}

static void
fleet_turn(struct kkm__fleet *fleet)
{
    struct epoll_event events[KKM__EVENT_COUNT];
    int count = epoll_wait(fleet->epoll, events, KKM__EVENT_COUNT, SWEEP_MS);
    fleet->now_ns = kkm__now_ns();
    for (int i = 0; i < count; i++) {
        kkm__link_event(fleet, events[i].data.u32, events[i].events);
    }
}

static void
fleet_live(struct kkm__fleet *fleet, chek_kkm_on_progress on_progress, void *context)
{
    uint64_t patience_ns = fleet->options->patience_s * UINT64_C(1000000000);
    uint64_t begin_ns = kkm__now_ns();
    uint64_t swept_ns = 0, told_ns = begin_ns;

    fleet->now_ns = fleet->answer_ns = begin_ns;
    fleet_begin_more(fleet);
    while (fleet->gone_count < fleet->options->register_count && !fleet->run->gave_up) {
        if (fleet->now_ns - swept_ns >= SWEEP_MS * UINT64_C(1000000)) {
            swept_ns = fleet->now_ns;
            fleet_sweep(fleet);
        }
        fleet_turn(fleet);
        if (on_progress != NULL && fleet->now_ns - told_ns >= PROGRESS_NS) {
            told_ns = fleet->now_ns;
            on_progress(context, &fleet->shared.counts);
        }
        fleet->run->gave_up = fleet->now_ns - fleet->answer_ns > patience_ns;
    }
    fleet->run->wall_ns = kkm__now_ns() - begin_ns;
}

int
chek_kkm_fleet_run(const struct chek_kkm_options *options, chek_kkm_on_progress on_progress,
                   void *context, struct chek_kkm_run *ret)
{
    struct kkm__fleet *fleet = NULL;

    *ret = (struct chek_kkm_run){.at_once = files_allow(options->at_once)};
    ret->is_limited = ret->at_once < options->at_once;
    int error = fleet_open(options, ret, &fleet);
    if (error != CHEK_OK) {
        return error;
    }
    fleet_live(fleet, on_progress, context);
    ret->counts = fleet->shared.counts;
    fleet_close(fleet);
    return CHEK_OK;
}
