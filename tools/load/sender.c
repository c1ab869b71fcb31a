/* SPDX-License-Identifier: MIT */
/*
 * sender.c - the loop: fill, send, wait, receive.
 */
#include "tools/load/sender.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "tools/load/sender_run.h"

#define ARENA_SIZE (1024 * 1024)
#define FILL_COUNT 512      /* documents between two looks at the sockets */
#define FILL_COUNT_TIMED 64 /* the same when frames are due at times of their own */
#define AHEAD_FRAME_COUNT 4 /* of a ring, beyond the window */
#define SILENCE_NS UINT64_C(30000000000)
#define PROGRESS_NS UINT64_C(200000000)
#define SPIN_NS UINT64_C(150000) /* a sleeping processor wakes up late by about this much */
#define EVENT_COUNT 64

uint64_t
load__now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void
load__fail(struct chek_sender *sender, int error, const char *text)
{
    if (sender->error == CHEK_OK) {
        sender->error = error;
        *sender->failure = (struct chek_failure){.code = error};
        (void)snprintf(sender->failure->text, sizeof sender->failure->text, "%s",
                       text != NULL ? text : chek_error_text(error));
    }
}

/* ---- sending ---------------------------------------------------------------------------------- */

static struct load__frame *
frame_of(struct load__connection *connection, uint64_t number)
{
    return &connection->frames[number & (connection->capacity - 1)];
}

/* Whether frame `number` may go out now, after `count` frames of `size` bytes in this call. */
static bool
may_send(const struct chek_sender *sender, struct load__connection *connection, uint64_t number,
         uint64_t count, uint64_t size, uint64_t now_ns)
{
    if (number == connection->made) {
        return false;
    }
    const struct load__frame *frame = frame_of(connection, number);
    return connection->in_flight_count + count < sender->options.window &&
           connection->in_flight_size + size + frame->size <= connection->credits &&
           (sender->options.rate == 0 || sender->start_ns + frame->due_ns <= now_ns);
}

/* Note that a frame is on its way; its first byte at least. */
static void
frame_sent(struct chek_sender *sender, struct load__connection *connection,
           struct load__frame *frame, uint64_t now_ns)
{
    connection->in_flight_count += 1;
    connection->in_flight_size += frame->size;
    connection->sent += 1;
    sender->result.frame_count += 1;
    sender->result.sent_size += frame->size;
    if (frame->sent_ns == 0 && sender->options.rate != 0) {
        uint64_t due_ns = sender->start_ns + frame->due_ns;
        chek_histogram_add(&sender->result.send_lag, now_ns - due_ns);
    }
    frame->sent_ns = now_ns;
}

/* RESUME goes before the frames that are repeated, in the same call. */
static size_t
resume_put(struct load__connection *connection, uint8_t bytes[64])
{
    static const struct chek_nothing nothing;
    struct chek_writer out = chek_writer_over(bytes, 64);
    if (!connection->wants_resume) {
        return 0;
    }
    size_t begin = chek_frame_begin(&out);
    chek_nothing_encode(&out, &nothing);
    chek_frame_finish(&out, begin, CHEK_OPCODE_RESUME, 0, UINT64_MAX);
    CHEK_ASSERT(!out.full);
    return out.size;
}

/*
 * What was taken of the vectors: whole frames are sent, the last one may be in part. A part of
 * RESUME alone is not worth a state: a socket that takes less than 40 bytes is at its end.
 */
static void
vectors_taken(struct chek_sender *sender, struct load__connection *connection,
              const struct iovec *vectors, size_t count, size_t taken, uint64_t now_ns)
{
    for (size_t i = 0; i < count; i++) {
        struct load__frame *frame = frame_of(connection, connection->sent);
        if (taken < vectors[i].iov_len) {
            connection->sent_part += taken;
            connection->is_blocked = true;
            return;
        }
        taken -= vectors[i].iov_len;
        connection->sent_part = 0;
        frame_sent(sender, connection, frame, now_ns);
    }
}

static void
connection_send(struct chek_sender *sender, struct load__connection *connection, uint64_t now_ns)
{
    struct iovec vectors[SENDER_VECTOR_COUNT + 1];
    uint8_t resume[64];
    size_t count = 0;
    uint64_t size = 0;

    if (connection->is_blocked || (connection->is_busy && connection->sent_part == 0) ||
        (connection->wants_resume && now_ns < connection->resume_ns)) {
        return;
    }
    /* A frame that was begun must be ended, also when it will be refused. */
    size_t count_max = connection->is_busy || sender->options.send_each ? 1 : SENDER_VECTOR_COUNT;
    size_t resume_size = resume_put(connection, resume);
    struct iovec *first = vectors + (resume_size != 0);
    vectors[0] = (struct iovec){.iov_base = resume, .iov_len = resume_size};
    while (count < count_max &&
           may_send(sender, connection, connection->sent + count, count, size, now_ns)) {
        struct load__frame *frame = frame_of(connection, connection->sent + count);
        size_t part = count == 0 ? connection->sent_part : 0;
        first[count] = (struct iovec){.iov_base = frame->bytes + frame->begin + part,
                                      .iov_len = frame->size - part};
        size += frame->size;
        count += 1;
    }
    if (count == 0) {
        return;
    }
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = count + (resume_size != 0)};
    ssize_t taken = sendmsg(connection->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken < 0 && (errno == EAGAIN || errno == EINTR)) {
        connection->is_blocked = true;
        return;
    }
    if (taken < 0 || (size_t)taken < resume_size) {
        load__fail(sender, taken < 0 ? -errno : CHEK_E_CLOSED, NULL);
        return;
    }
    connection->wants_resume = false;
    sender->result.send_count += 1;
    vectors_taken(sender, connection, first, count, (size_t)taken - resume_size, now_ns);
}

static void
epoll_set(struct chek_sender *sender, uint32_t index, int operation, bool wants_write)
{
    struct epoll_event event = {.events = EPOLLIN | (wants_write ? EPOLLOUT : 0),
                                .data = {.u32 = index}};
    if (epoll_ctl(sender->epoll, operation, sender->connections[index].socket, &event) != 0) {
        load__fail(sender, -errno, NULL);
    }
}

/* Send what may go; when the next frame is due, or UINT64_MAX. */
static uint64_t
send_all(struct chek_sender *sender, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    for (uint32_t i = 0; i < sender->options.connection_count; i++) {
        struct load__connection *connection = &sender->connections[i];
        bool was_blocked = connection->is_blocked;
        uint64_t sent;
        do {
            sent = connection->sent;
            connection_send(sender, connection, now_ns);
        } while (sender->options.send_each && connection->sent != sent);
        if (connection->is_blocked && !was_blocked) {
            epoll_set(sender, i, EPOLL_CTL_MOD, true);
        }
        if (connection->wants_resume) {
            next_ns = connection->resume_ns < next_ns ? connection->resume_ns : next_ns;
        } else if (sender->options.rate != 0 && connection->sent < connection->made) {
            uint64_t due_ns = sender->start_ns + frame_of(connection, connection->sent)->due_ns;
            next_ns = due_ns > now_ns && due_ns < next_ns ? due_ns : next_ns;
        }
    }
    return next_ns;
}

/* ---- the loop --------------------------------------------------------------------------------- */

/* Wait for the sockets until `until_ns`; close to it, or when there is work, only look. */
static void
sockets_wait(struct chek_sender *sender, bool has_work, uint64_t until_ns)
{
    struct epoll_event events[EVENT_COUNT];
    struct timespec wait = {0};
    uint64_t now_ns = load__now_ns();
    uint64_t limit_ns = now_ns + PROGRESS_NS;
    until_ns = until_ns < limit_ns ? until_ns : limit_ns;
    if (!has_work && until_ns > now_ns + SPIN_NS) {
        wait.tv_nsec = (long)(until_ns - now_ns - SPIN_NS);
    }
    int count = epoll_pwait2(sender->epoll, events, EVENT_COUNT, &wait, NULL);
    if (count < 0 && errno != EINTR) {
        load__fail(sender, -errno, NULL);
    }
    for (int i = 0; i < count && sender->error == CHEK_OK; i++) {
        struct load__connection *connection = &sender->connections[events[i].data.u32];
        if (events[i].events & EPOLLOUT) {
            connection->is_blocked = false;
            epoll_set(sender, events[i].data.u32, EPOLL_CTL_MOD, false);
        }
        if (events[i].events & ~(uint32_t)EPOLLOUT) {
            load__receive(sender, connection);
        }
    }
}

static bool
is_finished(const struct chek_sender *sender)
{
    for (uint32_t i = 0; i < sender->options.connection_count; i++) {
        if (sender->connections[i].head != sender->connections[i].made) {
            return false;
        }
    }
    return sender->made_all;
}

static void
progress_tell(struct chek_sender *sender, uint64_t now_ns)
{
    if (now_ns > sender->answer_ns + SILENCE_NS) {
        load__fail(sender, CHEK_E_TIMEOUT, "nothing came from the server for 30 seconds");
    }
    if (sender->options.on_progress != NULL && now_ns - sender->progress_ns >= PROGRESS_NS) {
        sender->progress_ns = now_ns;
        sender->options.on_progress(sender->options.context, sender->result.document_count);
    }
}

int
chek_sender_run(struct chek_sender *sender, struct chek_failure *failure)
{
    uint32_t fill_count = sender->options.rate != 0 ? FILL_COUNT_TIMED : FILL_COUNT;
    sender->failure = failure;
    (void)prctl(PR_SET_TIMERSLACK, 1);
    if (sender->options.prepared) {
        int error = load__fill_all(sender);
        if (error != CHEK_OK) {
            load__fail(sender, error, NULL);
        }
    }
    sender->start_ns = load__now_ns();
    sender->answer_ns = sender->start_ns;
    while (sender->error == CHEK_OK && !is_finished(sender)) {
        if (!sender->made_all) {
            (void)load__fill(sender, fill_count);
        }
        uint64_t now_ns = load__now_ns();
        uint64_t next_ns = send_all(sender, now_ns);
        sockets_wait(sender, !sender->made_all && sender->full_count == 0, next_ns);
        progress_tell(sender, now_ns);
    }
    sender->result.wall_ns = sender->answer_ns - sender->start_ns;
    return sender->error;
}

/* ---- making one ------------------------------------------------------------------------------- */

static int
connection_init(struct chek_sender *sender, uint32_t index, struct chek_failure *failure)
{
    struct load__connection *connection = &sender->connections[index];
    uint32_t capacity = 8;
    while (capacity < sender->options.window + AHEAD_FRAME_COUNT) {
        capacity *= 2;
    }
    int error = chek_client_connect(&sender->options.connection, &connection->client, failure);
    if (error != CHEK_OK) {
        return error;
    }
    connection->socket = chek_client_socket(connection->client);
    connection->credits = chek_client_welcome(connection->client)->credits;
    connection->capacity = capacity;
    connection->frames = chek_memory_allocate(capacity * sizeof *connection->frames);
    connection->carry = chek_memory_allocate(SENDER_CARRY_SIZE);
    if (connection->frames == NULL || connection->carry == NULL) {
        return -ENOMEM;
    }
    chek_splitter_init(&connection->splitter, connection->carry, SENDER_CARRY_SIZE,
                       CHEK_FRAME_ANSWER_SIZE_MAX);
    /* So that the connections' frames do not all become full at the same time. */
    connection->fill_size_max = (uint32_t)((uint64_t)sender->options.frame_size * (index + 1) /
                                           sender->options.connection_count);
    load__frame_begin(sender, connection);
    epoll_set(sender, index, EPOLL_CTL_ADD, false);
    return sender->error;
}

static int
parts_init(struct chek_sender *sender, struct chek_failure *failure)
{
    uint32_t count = sender->options.connection_count;
    sender->connections = chek_memory_allocate(count * sizeof *sender->connections);
    sender->received = chek_memory_allocate(SENDER_RECEIVE_SIZE);
    if (sender->connections == NULL || sender->received == NULL) {
        return -ENOMEM;
    }
    int error = chek_arena_init(&sender->arena, ARENA_SIZE);
    if (error != CHEK_OK) {
        return error;
    }
    sender->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (sender->epoll < 0) {
        return -errno;
    }
    for (uint32_t i = 0; i < count && error == CHEK_OK; i++) {
        error = connection_init(sender, i, failure);
    }
    return error;
}

int
chek_sender_create(const struct chek_sender_options *options, struct chek_workload *workload,
                   struct chek_account *account, struct chek_sender **ret,
                   struct chek_failure *failure)
{
    CHEK_ASSERT(options->connection_count > 0 && options->window > 0);
    struct chek_sender *sender = chek_memory_allocate(sizeof *sender);
    if (sender == NULL) {
        return -ENOMEM;
    }
    sender->options = *options;
    sender->workload = workload;
    sender->account = account;
    sender->epoll = -1;
    sender->failure = failure;
    int error = parts_init(sender, failure);
    if (error != CHEK_OK) {
        if (failure->code == CHEK_OK) {
            load__fail(sender, error, NULL);
        }
        chek_sender_destroy(sender);
        return error;
    }
    *ret = sender;
    return CHEK_OK;
}

static void
connection_finish(struct chek_sender *sender, struct load__connection *connection)
{
    for (uint32_t i = 0; i < connection->capacity && connection->frames != NULL; i++) {
        chek_memory_free(connection->frames[i].bytes,
                         sender->options.frame_size + CHEK_WORKLOAD_DOCUMENT_SIZE_MAX);
    }
    chek_memory_free(connection->frames, connection->capacity * sizeof *connection->frames);
    chek_memory_free(connection->carry, SENDER_CARRY_SIZE);
    chek_client_close(connection->client);
}

void
chek_sender_destroy(struct chek_sender *sender)
{
    if (sender == NULL) {
        return;
    }
    for (uint32_t i = 0; sender->connections != NULL && i < sender->options.connection_count; i++) {
        connection_finish(sender, &sender->connections[i]);
    }
    chek_memory_free(sender->connections,
                     sender->options.connection_count * sizeof *sender->connections);
    chek_memory_free(sender->received, SENDER_RECEIVE_SIZE);
    if (sender->epoll >= 0) {
        (void)close(sender->epoll);
    }
    chek_arena_finish(&sender->arena);
    chek_memory_free(sender, sizeof *sender);
}

const struct chek_sender_result *
chek_sender_result(const struct chek_sender *sender)
{
    return &sender->result;
}
