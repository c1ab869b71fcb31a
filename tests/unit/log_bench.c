/* SPDX-License-Identifier: MIT */
/*
 * log_bench.c - the owner of a running log, in tests.
 */
#include "tests/unit/log_bench.h"

static void
on_one(struct log_bench *bench, const struct chek_log_command *command)
{
    assert_true(command->bytes.size >= 8);
    assert_int_equal(chek_load_u64(command->bytes.bytes), bench->durable_count);
    assert_true(command->lsn > bench->durable_lsn);
    bench->durable_count += 1;
    bench->durable_lsn = command->lsn;
    if (bench->append_inside != NULL) {
        uint8_t *at = chek_log_append_begin(bench->append_inside, 8);
        assert_non_null(at);
        chek_store_u64(at, bench->sent_count++);
        (void)chek_log_append_end(bench->append_inside, 8);
        bench->append_inside = NULL;
    }
}

static void
on_durable(void *context, const struct chek_log_command *commands, uint32_t count)
{
    assert_in_range(count, 1, CHEK_LOG_BATCH_COUNT);
    for (uint32_t i = 0; i < count; i++) {
        on_one(context, &commands[i]);
    }
}

static void
on_durable_end(void *context, uint64_t lsn)
{
    struct log_bench *bench = context;
    assert_int_equal(lsn, bench->durable_lsn);
    bench->end_count += 1;
}

static void
on_latch(void *context, int error)
{
    struct log_bench *bench = context;
    bench->latch_count += 1;
    bench->latch_error = error;
}

struct chek_log_config
log_bench_config(struct log_bench *bench, enum chek_sync_method method, uint64_t file_size)
{
    return (struct chek_log_config){
        .stream = 3,
        .generation = 7,
        .folder_id = {11, 12},
        .file_size = file_size,
        .method = method,
        .context = bench,
        .on_durable = on_durable,
        .on_durable_end = on_durable_end,
        .on_latch = on_latch,
    };
}

void
log_bench_open(struct log_bench *bench, enum chek_sync_method method, uint64_t file_size)
{
    *bench = (struct log_bench){.disk = fake_disk_create()};
    bench->config = log_bench_config(bench, method, file_size);
    assert_int_equal(chek_log_open(&bench->disk->io, &bench->config, &bench->log), CHEK_OK);
}

void
log_bench_close(struct log_bench *bench)
{
    while (bench->disk->pending_count != 0) {
        fake_disk_complete(bench->disk, 0, CHEK_OK);
    }
    chek_log_close(bench->log);
    assert_int_equal(bench->disk->open_count, 0);
    fake_disk_destroy(bench->disk);
}

bool
log_bench_send(struct log_bench *bench, size_t size)
{
    uint8_t *at = chek_log_append_begin(bench->log, size);
    if (at == NULL) {
        return false;
    }
    memset(at, 0x5a, size);
    chek_store_u64(at, bench->sent_count++);
    (void)chek_log_append_end(bench->log, size);
    return true;
}

void
log_bench_complete(struct log_bench *bench, enum chek_op_kind kind, int error)
{
    fake_disk_complete(bench->disk, fake_disk_find(bench->disk, kind, 0), error);
}

unsigned
log_bench_pending(const struct log_bench *bench, enum chek_op_kind kind)
{
    unsigned count = 0;
    while (fake_disk_find(bench->disk, kind, count) != FAKE_PENDING_COUNT_MAX) {
        count += 1;
    }
    return count;
}

void
log_bench_settle(struct log_bench *bench)
{
    for (unsigned i = 0; i < 1000; i++) {
        chek_log_turn(bench->log);
        if (bench->disk->pending_count == 0) {
            return;
        }
        fake_disk_complete(bench->disk, 0, CHEK_OK);
    }
    fail_msg("the log does not settle");
}
