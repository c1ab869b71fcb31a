/* SPDX-License-Identifier: MIT */
/*
 * prop_event_log.c - laws of the change streams over random histories.
 *
 *   whatever was added is read back, in order, each number once, from the open block, from files of
 *   this run and of earlier ones;
 *   after a crash that cuts or damages the end of the newest file, the index believes a prefix of
 *   each stream, never a hole; adding the events again with their numbers makes the streams whole;
 *   what a flush called durable is in that prefix;
 *   a damaged block is CORRUPT for who reads it, and for nobody else.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "persist/event_log.h"
#include "tests/prop/prop.h"
#include "tests/unit/fake_disk.h"

#define PARTITIONS 3
#define EVENT_MAX 60000

static const uint64_t folder_id[2] = {11, 12};

struct subject {
    struct prop *prop;
    struct fake_disk *disk;
    struct chek_event_index *index;
    struct chek_event_log *log;
    uint64_t generation;
    uint64_t added[PARTITIONS + 1];   /* last number added, by the history */
    uint64_t flushed[PARTITIONS + 1]; /* last number that a flush made durable */
    int error;                        /* what the log said */
};

/* An event is made from its partition and number, so that a reader can be checked. */
static struct chek_event
event_of(unsigned partition, uint64_t seq)
{
    return (struct chek_event){.kind = (uint8_t)(seq % CHEK_EVENT_KIND_COUNT),
                               .registration = partition * 1000 + (uint32_t)(seq % 7),
                               .ordinal = (uint32_t)seq,
                               .shift = (uint32_t)(seq / 50 + 1),
                               .time = 1767225600 + (int64_t)seq,
                               .total = (int64_t)(seq * seq % 100000),
                               .sign = seq * UINT64_C(0x9e3779b97f4a7c15)};
}

static void
on_error(void *context, int error)
{
    ((struct subject *)context)->error = error;
}

static void
subject_open(struct subject *subject)
{
    struct chek_event_log_config config = {
        .generation = ++subject->generation,
        .folder_id = {folder_id[0], folder_id[1]},
        .partition_count = PARTITIONS,
        .context = subject,
        .on_error = on_error,
    };
    int error = chek_event_index_load(&subject->disk->io, folder_id, PARTITIONS, &subject->index);
    PROP_CHECK(subject->prop, error == CHEK_OK);
    error = chek_event_log_open(&subject->disk->io, subject->index, &config, &subject->log);
    PROP_CHECK(subject->prop, error == CHEK_OK);
}

static void
subject_close(struct subject *subject)
{
    chek_event_log_close(subject->log);
    chek_event_index_free(subject->index, &subject->disk->io);
}

static void
complete_all(struct subject *subject)
{
    while (subject->disk->pending_count > 0) {
        fake_disk_complete(subject->disk, 0, CHEK_OK);
    }
}

static void
add(struct subject *subject, unsigned partition, uint64_t seq)
{
    struct chek_event event = event_of(partition, seq);
    if (!chek_event_log_has_room(subject->log, 1)) {
        (void)chek_event_log_flush(subject->log);
        complete_all(subject);
    }
    chek_event_log_add(subject->log, (uint16_t)partition, seq, &event);
}

static void
flush(struct subject *subject)
{
    while (!chek_event_log_flush(subject->log)) {
        complete_all(subject);
    }
    memcpy(subject->flushed, subject->added, sizeof subject->flushed);
}

/* ---- reading ---------------------------------------------------------------------------------- */

struct reader {
    struct chek_event_read read;
    struct subject *subject;
    uint64_t next;
    uint32_t count;
    int error;
    bool called;
};

static void
on_read(struct chek_event_read *read, int error, struct chek_bytes_view body, uint64_t seq,
        uint32_t count)
{
    struct reader *reader = CHEK_CONTAINER_OF(read, struct reader, read);
    struct prop *prop = reader->subject->prop;
    struct chek_cursor in = chek_cursor_over(body.bytes, body.size);
    reader->called = true;
    reader->error = error;
    reader->count = count;
    for (uint32_t i = 0; error == CHEK_OK && i < count; i++) {
        struct chek_bytes_view entry = chek_cursor_view(&in, chek_cursor_u16(&in));
        struct chek_event want = event_of(read->partition, seq + i);
        uint8_t bytes[CHEK_EVENT_SIZE_MAX];
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        chek_event_encode(&out, &want);
        PROP_CHECK(prop, seq == reader->next);
        PROP_CHECK(prop, in.error == CHEK_OK);
        PROP_CHECK(prop, chek_bytes_view_equal(entry, chek_bytes_view_of(bytes, out.size)));
    }
}

/* Read a stream to its end; the last number, or an error. */
static int
read_all(struct subject *subject, unsigned partition, uint64_t from, uint64_t *ret_last)
{
    static struct reader reader;
    reader.read.on_read = on_read;
    reader.subject = subject;
    reader.next = from;
    for (;;) {
        reader.called = false;
        chek_event_log_read(subject->log, (uint16_t)partition, reader.next, &reader.read);
        complete_all(subject);
        PROP_CHECK(subject->prop, reader.called);
        if (reader.error != CHEK_OK) {
            return reader.error;
        }
        if (reader.count == 0) {
            *ret_last = reader.next - 1;
            return CHEK_OK;
        }
        reader.next += reader.count;
    }
}

/* ---- crashes ---------------------------------------------------------------------------------- */

/* The file of the newest run. */
static struct fake_file *
newest_file(struct subject *subject)
{
    struct fake_file *newest = NULL;
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        struct fake_file *file = &subject->disk->files[i];
        if (file->exists && strncmp(file->name, CHEK_EVENT_FOLDER "/", 6) == 0 &&
            (newest == NULL || strcmp(file->name, newest->name) > 0)) {
            newest = file;
        }
    }
    return newest;
}

/*
 * Operations in flight are gone; of the file behind `durable_size` any part is lost, torn or zero.
 */
static void
crash(struct subject *subject, struct chek_prng *prng, size_t durable_size)
{
    struct fake_file *file = newest_file(subject);
    while (subject->disk->pending_count > 0) {
        bool done = chek_prng_chance(prng, 500000);
        fake_disk_complete(subject->disk, 0, done ? CHEK_OK : -EIO);
    }
    subject_close(subject);
    subject->error = CHEK_OK; /* said by a log that died */
    if (file == NULL || file->size <= durable_size) {
        return;
    }
    size_t loose = file->size - durable_size;
    size_t at = durable_size + (size_t)chek_prng_below(prng, loose);
    if (chek_prng_chance(prng, 400000)) {
        file->size = at;
    } else {
        memset(file->bytes + at, chek_prng_chance(prng, 500000) ? 0 : 0x5a, file->size - at);
    }
}

/* A replay: everything that the log of commands still has is made again. */
static void
replay(struct subject *subject)
{
    for (unsigned i = 0; i <= PARTITIONS; i++) {
        uint64_t stored = chek_event_index_last(subject->index, (uint16_t)i);
        PROP_CHECK(subject->prop, stored >= subject->flushed[i]);
        PROP_CHECK(subject->prop, stored <= subject->added[i]);
        for (uint64_t seq = subject->flushed[i] + 1; seq <= subject->added[i]; seq++) {
            add(subject, i, seq);
        }
    }
}

static void
check_streams(struct subject *subject)
{
    for (unsigned i = 0; i <= PARTITIONS; i++) {
        uint64_t last;
        PROP_CHECK(subject->prop,
                   chek_event_log_last(subject->log, (uint16_t)i) == subject->added[i]);
        PROP_CHECK(subject->prop, read_all(subject, i, 1, &last) == CHEK_OK);
        PROP_CHECK(subject->prop, last == subject->added[i]);
    }
}

/* ---- laws ------------------------------------------------------------------------------------- */

static void
history_run(struct prop *prop, struct chek_prng *prng)
{
    struct subject subject = {.prop = prop, .disk = fake_disk_create()};
    size_t durable_size = 0;
    PROP_CHECK(prop, subject.disk != NULL);
    subject_open(&subject);
    for (unsigned step = 0; step < 40; step++) {
        uint64_t count = chek_prng_below(prng, 1500);
        for (uint64_t i = 0; i < count; i++) {
            unsigned partition = (unsigned)chek_prng_below(prng, PARTITIONS + 1);
            add(&subject, partition, ++subject.added[partition]);
        }
        chek_event_log_turn(subject.log, step * UINT64_C(150000000));
        if (chek_prng_chance(prng, 600000)) {
            complete_all(&subject);
        }
        if (chek_prng_chance(prng, 200000)) {
            flush(&subject);
            durable_size = newest_file(&subject)->size;
            check_streams(&subject);
        }
        if (chek_prng_chance(prng, 200000)) {
            crash(&subject, prng, durable_size);
            subject_open(&subject);
            durable_size = 0;
            replay(&subject);
        }
    }
    flush(&subject);
    check_streams(&subject);
    PROP_CHECK(prop, subject.error == CHEK_OK);
    subject_close(&subject);
    fake_disk_destroy(subject.disk);
}

/* One flipped bit of a durable file: the block that has it is CORRUPT, the rest is as it was. */
static void
rot_run(struct prop *prop, struct chek_prng *prng)
{
    struct subject subject = {.prop = prop, .disk = fake_disk_create()};
    uint64_t last;
    subject_open(&subject);
    for (unsigned i = 0; i < 6000; i++) {
        unsigned partition = 1 + (unsigned)chek_prng_below(prng, PARTITIONS);
        add(&subject, partition, ++subject.added[partition]);
    }
    flush(&subject);
    struct fake_file *file = newest_file(&subject);
    size_t at = (size_t)chek_prng_below(prng, file->size);
    file->bytes[at] ^= (uint8_t)(1u << chek_prng_below(prng, 8));
    unsigned damaged = 0;
    for (unsigned i = 1; i <= PARTITIONS; i++) {
        int error = read_all(&subject, i, 1, &last);
        PROP_CHECK(prop, error == CHEK_OK || error == CHEK_E_CORRUPT);
        PROP_CHECK(prop, error != CHEK_OK || last == subject.added[i]);
        damaged += error != CHEK_OK;
    }
    /* Zeros up to a multiple of eight behind a body are the only bytes without a sum. */
    PROP_CHECK(prop, damaged <= 1);
    subject_close(&subject);
    fake_disk_destroy(subject.disk);
}

/* The first write or sync that fails is said once, and nothing is written after it. */
static void
error_run(struct prop *prop, struct chek_prng *prng)
{
    struct subject subject = {.prop = prop, .disk = fake_disk_create()};
    subject_open(&subject);
    for (unsigned i = 1; i <= 3000; i++) {
        add(&subject, 1, i);
    }
    (void)chek_event_log_flush(subject.log);
    if (chek_prng_chance(prng, 500000)) {
        fake_disk_complete(subject.disk, 0, CHEK_OK); /* then the sync fails */
    }
    PROP_CHECK(prop, subject.disk->pending_count == 1);
    fake_disk_complete(subject.disk, 0, -EIO);
    PROP_CHECK(prop, subject.error == -EIO);
    PROP_CHECK(prop, !chek_event_log_flush(subject.log) || subject.disk->pending_count == 0);
    add(&subject, 1, 3001);
    chek_event_log_turn(subject.log, UINT64_C(10000000000));
    PROP_CHECK(prop, subject.disk->pending_count == 0);
    subject_close(&subject);
    fake_disk_destroy(subject.disk);
}

int
main(int argc, char **argv)
{
    struct prop prop = prop_begin(argc, argv, 12);
    struct chek_prng prng;
    while (prop_next(&prop, &prng)) {
        history_run(&prop, &prng);
        rot_run(&prop, &prng);
        error_run(&prop, &prng);
    }
    return 0;
}
