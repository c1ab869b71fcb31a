/* SPDX-License-Identifier: MIT */
/* The forwarding half of io.h: what it fills in and counts, and which calls it will not take. */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/io/io.h"
#include "tests/unit/last_words.h"
#include "tests/unit/table.h"

/* An implementation that only remembers. */
static struct {
    struct chek_op *op;
    unsigned pause_count, resume_count, close_count, post_count;
    int post_error;
} seen;

static void
fake_submit(struct chek_io *io, struct chek_op *op)
{
    (void)io;
    seen.op = op;
}

static int
fake_post(struct chek_io *io, unsigned shard, struct chek_message *message)
{
    (void)io;
    (void)shard;
    (void)message;
    seen.post_count += 1;
    return seen.post_error;
}

static void
fake_start(struct chek_io *io, struct chek_stream *stream, int socket)
{
    (void)io;
    (void)stream;
    (void)socket;
}

static void
fake_pause(struct chek_stream *stream)
{
    assert_true(stream->paused);
    seen.pause_count += 1;
}

static void
fake_resume(struct chek_stream *stream)
{
    assert_false(stream->paused);
    seen.resume_count += 1;
}

static void
fake_send(struct chek_stream *stream, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    seen.op = &stream->send;
}

static void
fake_close(struct chek_stream *stream)
{
    assert_true(stream->closed);
    seen.close_count += 1;
}

static const struct chek_io_table fake_table = {
    .submit = fake_submit,
    .post = fake_post,
    .stream_start = fake_start,
    .stream_pause = fake_pause,
    .stream_resume = fake_resume,
    .stream_send = fake_send,
    .stream_close = fake_close,
};

static void
on_done(struct chek_op *op, int64_t result)
{
    (void)op;
    (void)result;
}

static void
on_receive(struct chek_stream *stream, const uint8_t *bytes, size_t size, int error)
{
    (void)stream;
    (void)bytes;
    (void)size;
    (void)error;
}

static void
on_sent(struct chek_stream *stream, int error)
{
    (void)stream;
    (void)error;
}

static void
on_closed(struct chek_stream *stream)
{
    (void)stream;
}

static void
no_work(void *argument)
{
    (void)argument;
}

static struct chek_io
io_make(void)
{
    memset(&seen, 0, sizeof seen);
    return (struct chek_io){.table = &fake_table, .shard = 2, .shard_count = 3};
}

static struct chek_stream
stream_make(void)
{
    return (struct chek_stream){
        .on_receive = on_receive, .on_sent = on_sent, .on_closed = on_closed};
}

static void
test_op_is_filled_counted_and_in_flight(void **state)
{
    (void)state;
    struct chek_io io = io_make();
    struct chek_op op = {.on_done = on_done, .done_size = 99};
    uint8_t bytes[8];

    chek_io_write(&io, &op, 5, bytes, sizeof bytes, 4096);
    assert_ptr_equal(seen.op, &op);
    assert_true(op.in_flight);
    assert_int_equal(op.kind, CHEK_OP_WRITE);
    assert_int_equal(op.file, 5);
    assert_ptr_equal(op.bytes, bytes);
    assert_int_equal(op.size, sizeof bytes);
    assert_int_equal(op.done_size, 0);
    assert_int_equal(op.offset, 4096);

    op.in_flight = false;
    chek_io_read(&io, &op, 6, bytes, 4, 0);
    assert_int_equal(op.kind, CHEK_OP_READ);
    op.in_flight = false;
    chek_io_sync(&io, &op, 7);
    assert_int_equal(op.kind, CHEK_OP_SYNC);
    assert_int_equal(op.file, 7);
    op.in_flight = false;
    chek_io_timer(&io, &op, 12345);
    assert_int_equal(op.kind, CHEK_OP_TIMER);
    assert_int_equal(op.deadline_ns, 12345);
    op.in_flight = false;
    chek_io_work(&io, &op, no_work, &io);
    assert_int_equal(op.kind, CHEK_OP_WORK);
    assert_ptr_equal(op.argument, &io);
    assert_int_equal(io.op_count, 5);
}

static void
test_post_says_from_whom_and_counts_what_went(void **state)
{
    (void)state;
    struct chek_io io = io_make();
    struct chek_message message = {.kind = 7};
    assert_int_equal(chek_io_post(&io, 1, &message), CHEK_OK);
    assert_int_equal(message.from, 2);
    seen.post_error = CHEK_E_FULL;
    assert_int_equal(chek_io_post(&io, 1, &message), CHEK_E_FULL);
    assert_int_equal(seen.post_count, 2);
    assert_int_equal(io.post_count, 1);
    assert_int_equal(chek_io_shard(&io), 2);
    assert_int_equal(chek_io_shard_count(&io), 3);
}

static void
test_pause_and_resume_are_forwarded_when_they_change_something(void **state)
{
    (void)state;
    struct chek_io io = io_make();
    struct chek_stream stream = stream_make();
    chek_stream_start(&io, &stream, 4);
    chek_stream_resume(&stream);
    assert_int_equal(seen.resume_count, 0);
    chek_stream_pause(&stream);
    chek_stream_pause(&stream);
    assert_int_equal(seen.pause_count, 1);
    chek_stream_resume(&stream);
    chek_stream_resume(&stream);
    assert_int_equal(seen.resume_count, 1);
    chek_stream_close(&stream);
    chek_stream_pause(&stream);
    chek_stream_resume(&stream);
    assert_int_equal(seen.close_count, 1);
    assert_int_equal(seen.pause_count, 1);
    assert_int_equal(seen.resume_count, 1);
}

static void
test_stream_can_be_started_again_after_its_end(void **state)
{
    (void)state;
    struct chek_io io = io_make();
    struct chek_stream stream = stream_make();
    chek_stream_start(&io, &stream, 4);
    stream.ended = stream.receiving = true;
    chek_stream_pause(&stream);
    chek_stream_close(&stream);
    chek_stream_start(&io, &stream, 9);
    assert_int_equal(stream.file, 9);
    assert_int_equal(stream.send.file, 9);
    assert_false(stream.ended || stream.receiving || stream.paused || stream.closed);
}

/* ---- calls that are bugs of ours --------------------------------------------------------------- */

static void
misuse_op_twice(struct chek_io *io)
{
    struct chek_op op = {.on_done = on_done};
    chek_io_timer(io, &op, 1);
    chek_io_timer(io, &op, 2);
}

static void
misuse_op_without_on_done(struct chek_io *io)
{
    struct chek_op op = {0};
    chek_io_timer(io, &op, 1);
}

static void
misuse_file_that_is_an_error(struct chek_io *io)
{
    struct chek_op op = {.on_done = on_done};
    chek_io_sync(io, &op, -2);
}

static void
misuse_offset_that_wraps(struct chek_io *io)
{
    struct chek_op op = {.on_done = on_done};
    uint8_t byte = 0;
    chek_io_write(io, &op, 3, &byte, 1, INT64_MAX);
}

static void
misuse_shard_that_is_not(struct chek_io *io)
{
    struct chek_message message = {0};
    int error = chek_io_post(io, 3, &message);
    (void)error;
}

static void
misuse_send_twice(struct chek_io *io)
{
    struct chek_stream stream = stream_make();
    chek_stream_start(io, &stream, 3);
    chek_stream_send(&stream, (const uint8_t *)"ab", 2);
    chek_stream_send(&stream, (const uint8_t *)"cd", 2);
}

static void
misuse_send_of_nothing(struct chek_io *io)
{
    struct chek_stream stream = stream_make();
    chek_stream_start(io, &stream, 3);
    chek_stream_send(&stream, (const uint8_t *)"", 0);
}

static void
misuse_send_after_close(struct chek_io *io)
{
    struct chek_stream stream = stream_make();
    chek_stream_start(io, &stream, 3);
    chek_stream_close(&stream);
    chek_stream_send(&stream, (const uint8_t *)"ab", 2);
}

static void
misuse_close_twice(struct chek_io *io)
{
    struct chek_stream stream = stream_make();
    chek_stream_start(io, &stream, 3);
    chek_stream_close(&stream);
    chek_stream_close(&stream);
}

static void
misuse_stream_without_on_closed(struct chek_io *io)
{
    struct chek_stream stream = {.on_receive = on_receive, .on_sent = on_sent};
    chek_stream_start(io, &stream, 3);
}

static struct misuse_case {
    const char *name;
    void (*call)(struct chek_io *io);
    const char *condition;
} misuse_cases[] = {
    {"op_in_flight_is_not_taken_again", misuse_op_twice, "!op->in_flight"},
    {"op_needs_on_done", misuse_op_without_on_done, "op->on_done != NULL"},
    {"file_that_is_an_error_is_not_a_file", misuse_file_that_is_an_error, "file >= 0"},
    {"offset_and_size_do_not_wrap", misuse_offset_that_wraps, "offset <="},
    {"message_needs_a_shard_that_exists", misuse_shard_that_is_not, "shard < io->shard_count"},
    {"one_send_at_a_time", misuse_send_twice, "!stream->send.in_flight"},
    {"send_of_nothing_is_not_taken", misuse_send_of_nothing, "size > 0"},
    {"send_after_close_is_not_taken", misuse_send_after_close, "!stream->closed"},
    {"close_is_taken_once", misuse_close_twice, "!stream->closed"},
    {"stream_needs_its_calls", misuse_stream_without_on_closed, "on_closed != NULL"},
};

static void
call_misuse(void *argument)
{
    const struct misuse_case *c = argument;
    struct chek_io io = io_make();
    c->call(&io);
}

static void
test_misuse(void **state)
{
    struct misuse_case *c = *state;
    char text[LAST_WORDS_SIZE];
    assert_true(last_words_of(call_misuse, c, text));
    assert_non_null(strstr(text, c->condition));
}

int
main(void)
{
    static struct table table;

    TABLE_ROWS(&table, test_misuse, misuse_cases);
    TABLE_TEST(&table, test_op_is_filled_counted_and_in_flight);
    TABLE_TEST(&table, test_post_says_from_whom_and_counts_what_went);
    TABLE_TEST(&table, test_pause_and_resume_are_forwarded_when_they_change_something);
    TABLE_TEST(&table, test_stream_can_be_started_again_after_its_end);
    return table_run(&table, "io");
}
