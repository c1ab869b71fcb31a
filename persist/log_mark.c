/* SPDX-License-Identifier: MIT */
/*
 * log_mark.c - what the running log says about itself, so that a lost tail is not taken for a torn
 * one: the idle mark at the end of a quiet log, and the watermark beside it.
 *
 * Every head carries the durable LSN of its time, so only the last few groups lack a witness. The
 * idle mark is that witness for a log that has become quiet, the watermark for a busy one that
 * loses several groups at once.
 */
#include "engine/base/assertion.h"
#include "persist/log_run.h"

/* ---- idle mark ----------------------------------------------------------------------------- */

static bool
is_quiet_unmarked(const struct chek_log *log)
{
    return log->appended_lsn == log->durable_lsn && log->in_flight_count == 0 &&
           !log->idle_marked && log->appended_lsn != 0;
}

static void
idle_on_timer(struct chek_op *op, int64_t result)
{
    struct chek_log *log = CHEK_CONTAINER_OF(op, struct chek_log, idle_op);
    /* When something came meanwhile, the next quiet turn sets the timer again. */
    log->idle_due = result == CHEK_OK && log->idle_lsn == log->appended_lsn;
}

void
persist__log_idle_turn(struct chek_log *log)
{
    if (!is_quiet_unmarked(log)) {
        log->idle_due = false;
        return;
    }
    if (log->idle_due) {
        if (log_file_blocks_left(log) > 0 || log->next != NULL) {
            log->idle_due = false;
            persist__log_group_submit(log, LOG_FLAG_IDLE);
        }
        return;
    }
    if (!log->idle_op.in_flight) {
        log->idle_lsn = log->appended_lsn;
        log->idle_op.on_done = idle_on_timer;
        chek_io_timer(log->io, &log->idle_op, chek_io_now_ns(log->io) + LOG_IDLE_NS);
    }
}

/* ---- watermark ----------------------------------------------------------------------------- */

static void
watermark_on_write(struct chek_op *op, int64_t result)
{
    struct chek_log *log = CHEK_CONTAINER_OF(op, struct chek_log, watermark_op);
    if (result < 0) {
        persist__log_latch(log, (int)result);
    }
}

void
persist__log_watermark_turn(struct chek_log *log)
{
    if (log->watermark_op.in_flight || log->watermark_lsn == log->durable_lsn) {
        return;
    }
    uint64_t now_ns = chek_io_now_ns(log->io);
    bool at_once = log->idle_marked || log->idle_due; /* due, and no place for the mark */
    if (!at_once && log->watermark_group_count < LOG_WATERMARK_GROUP_COUNT &&
        now_ns - log->watermark_ns < LOG_WATERMARK_NS) {
        return;
    }
    const struct log_place place = persist__log_place(log, 0);
    persist__log_watermark_encode(log->watermark_block, &place, log->watermark_copy,
                                  log->durable_lsn);
    uint64_t offset = (uint64_t)log->watermark_copy * CHEK_BLOCK_SIZE;
    log->watermark_copy = (log->watermark_copy + 1) % LOG_WATERMARK_COPY_COUNT;
    log->watermark_lsn = log->durable_lsn;
    log->watermark_ns = now_ns;
    log->watermark_group_count = 0;
    log->watermark_op.on_done = watermark_on_write;
    chek_io_write(log->io, &log->watermark_op, log->watermark_file, log->watermark_block,
                  CHEK_BLOCK_SIZE, offset);
}
