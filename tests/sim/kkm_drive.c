/* SPDX-License-Identifier: MIT */
/*
 * kkm_drive.c - the machine, who adds the registers, and the phases of a run.
 */
#include "tests/sim/kkm_drive.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/workspace.h"
#include "engine/wire/frame.h"
#include "tests/sim/kkm_run.h"

#define PATIENCE_NS UINT64_C(120000000000)
#define STEP_COUNT_MAX UINT64_C(400000)
#define FAILED_START_COUNT_MAX 8

void
kkm_violate(struct kkm_run *run, const char *format, ...)
{
    va_list arguments;
    if (run->result.violation[0] != 0) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(run->result.violation, sizeof run->result.violation, format, arguments);
    va_end(arguments);
}

uint64_t
kkm_below(struct kkm_run *run, uint64_t bound)
{
    return chek_prng_below(&run->prng, bound);
}

/* ---- the administrator ------------------------------------------------------------------------ */

static void
frame_send(struct kkm_run *run, uint16_t opcode, struct chek_writer *out, size_t begin)
{
    run->frame_count += 1;
    chek_frame_finish(out, begin, opcode, 0, run->frame_count);
    CHEK_ASSERT(!out->full);
    chek_world_client_send(run->admin, out->bytes, out->size);
}

static void
hello_send(struct kkm_run *run)
{
    uint8_t bytes[TILL_FRAME_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t begin = chek_frame_begin(&out);
    chek_hello_encode(&out, &(struct chek_hello){.token = chek_bytes_view_text(run->token)});
    frame_send(run, CHEK_OPCODE_HELLO, &out, begin);
}

static void
register_add(struct kkm_run *run)
{
    uint8_t bytes[TILL_FRAME_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    char name[16];
    uint32_t device = run->tills[run->added_count].device;
    int size = snprintf(name, sizeof name, "R%u", device);
    struct chek_register_key key = {.kind = CHEK_KEY_KIND_REGISTRATION_NUMBER,
                                    .value = chek_bytes_view_of(name, (size_t)size)};
    struct chek_register profile = {
        .keys = &key, .keys_count = 1, .organisation = shop_organisation(device)};
    struct chek_kkm_add what = {.profile = &profile, .device = device, .token = 1000 + device};
    size_t begin = chek_frame_begin(&out);
    chek_kkm_add_encode(&out, &what);
    frame_send(run, CHEK_OPCODE_KKM_ADD, &out, begin);
    run->is_adding = true;
}

static bool
all_added(const struct kkm_run *run)
{
    return run->added_count == TILL_COUNT;
}

static void
shop_change(struct kkm_run *run)
{
    static uint8_t bytes[SHOP_FRAME_SIZE];
    uint16_t opcode;
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t begin = chek_frame_begin(&out);
    if (shop_change_encode(run, &out, &opcode)) {
        frame_send(run, opcode, &out, begin);
        run->is_adding = true;
    }
}

/* One that heard nothing adds again: then it is there already. */
static void
admin_answer(struct kkm_run *run, const struct chek_frame *frame)
{
    run->moved_ns = chek_world_now_ns(run->world);
    if ((frame->head.flags & CHEK_FRAME_REFUSAL) != 0) {
        struct chek_refusal refusal;
        struct chek_fault fault;
        struct chek_arena arena;
        _Alignas(16) uint8_t memory[4096];
        chek_arena_init_over(&arena, memory, sizeof memory);
        int error = chek_refusal_decode_whole(frame->body.bytes, frame->body.size, &arena, &refusal,
                                              &fault);
        int code = error == CHEK_OK ? -(int)refusal.code : error;
        if (code == CHEK_E_EXISTS) {
            run->added_count += 1;
        } else if (code != CHEK_E_BUSY && code != CHEK_E_STOPPING && code != CHEK_E_TIMEOUT) {
            kkm_violate(run, "adding a register: %s", chek_error_name(code));
        }
    } else if (run->admin_is_in && all_added(run)) {
        shop_change_done(run, frame->body);
    } else if (run->admin_is_in) {
        run->added_count += 1;
    }
    run->admin_is_in = true;
    run->is_adding = false;
}

static void
on_connected(void *context, int error)
{
    struct kkm_run *run = context;
    run->admin_lost = run->admin_lost || error != CHEK_OK;
}

static void
on_receive(void *context, const uint8_t *bytes, size_t size, int error)
{
    struct kkm_run *run = context;
    struct chek_frame frame;
    if (error != CHEK_OK || size == 0 || size > sizeof run->admin_carry - run->admin_size) {
        run->admin_lost = true;
        return;
    }
    memcpy(run->admin_carry + run->admin_size, bytes, size);
    run->admin_size += size;
    while (run->admin_size >= CHEK_FRAME_HEAD_SIZE &&
           chek_frame_head_decode(run->admin_carry, TILL_ANSWER_SIZE, &frame.head) == CHEK_OK &&
           run->admin_size >= CHEK_FRAME_HEAD_SIZE + (size_t)frame.head.body_size) {
        size_t whole = CHEK_FRAME_HEAD_SIZE + (size_t)frame.head.body_size;
        frame.body =
            chek_bytes_view_of(run->admin_carry + CHEK_FRAME_HEAD_SIZE, frame.head.body_size);
        admin_answer(run, &frame);
        run->admin_size -= whole;
        memmove(run->admin_carry, run->admin_carry + whole, run->admin_size);
    }
}

void
kkm_admin_drop(struct kkm_run *run)
{
    if (run->admin != NULL) {
        chek_world_client_reset(run->admin);
        run->admin = NULL;
    }
}

void
kkm_admin_step(struct kkm_run *run)
{
    if (run->admin != NULL && (run->admin_lost || run->is_ending)) {
        kkm_admin_drop(run);
    }
    if (!run->is_ready || run->is_ending) {
        return;
    }
    if (run->admin == NULL) {
        struct chek_world_client_owner owner = {run, on_connected, on_receive};
        run->admin_lost = run->admin_is_in = false;
        run->admin_size = 0;
        run->is_adding = true;
        run->admin = chek_world_client_connect(run->world, run->machine, KKM_ADDRESS, &owner);
        hello_send(run);
    } else if (run->admin_is_in && !run->is_adding && !all_added(run)) {
        register_add(run);
    } else if (run->admin_is_in && !run->is_adding) {
        shop_change(run);
    }
}

/* ---- the machine ------------------------------------------------------------------------------ */

static void
on_ready(void *context, const struct chek_server_ports *ports)
{
    struct kkm_run *run = context;
    char token[sizeof run->token] = {0};
    int64_t got =
        chek_world_peek(run->world, run->machine, "admin.token", token, sizeof token - 1, 0);
    if (got < 66 || strcmp(ports->cpcr, KKM_CPCR_ADDRESS) != 0) {
        kkm_violate(run, "it is ready on %s", ports->cpcr);
        return;
    }
    token[strcspn(token, "\n")] = 0;
    memcpy(run->token, token, sizeof token);
    run->is_ready = true;
}

static void
on_stopped(void *context, int error)
{
    struct kkm_run *run = context;
    run->has_stopped = true;
    if (error == CHEK_OK && !run->is_ending) {
        kkm_violate(run, "it stopped and was not asked to");
    }
}

static void
server_destroy(struct kkm_run *run)
{
    chek_server_destroy(run->server);
    run->server = NULL;
    run->is_ready = run->has_stopped = false;
}

static bool
server_start(struct kkm_run *run)
{
    struct chek_server_fault fault = {0};
    run->shard_count = 1 + (unsigned)kkm_below(run, KKM_SHARD_COUNT_MAX);
    chek_world_restart(run->world, run->machine, run->shard_count);
    if (run->crashes_left > 0 && !run->is_ending) {
        run->crashes_left -= 1;
        chek_world_crash_after(run->world, run->machine, 1 + kkm_below(run, 1500),
                               kkm_below(run, 3) == 0 ? CHEK_CRASH_KILL : CHEK_CRASH_POWER);
    } else {
        chek_world_crash_after(run->world, run->machine, 0, CHEK_CRASH_POWER);
    }
    for (unsigned i = 0; i < run->shard_count; i++) {
        run->ios[i] = chek_world_io(run->world, run->machine, i);
    }
    int error = chek_server_create(run->ios, run->shard_count, &run->config, &fault, &run->server);
    run->result.start_count += 1;
    if (error == CHEK_OK) {
        return true;
    }
    run->server = NULL;
    if (chek_world_is_up(run->world, run->machine)) {
        if (error < -5000) {
            kkm_violate(run, "it does not start: %s", fault.text);
        }
        chek_world_crash(run->world, run->machine, CHEK_CRASH_KILL);
    }
    return false;
}

static void
machine_step(struct kkm_run *run)
{
    unsigned failed_count = 0;
    bool is_up = chek_world_is_up(run->world, run->machine);
    if (is_up && run->server != NULL && !run->has_stopped) {
        return;
    }
    if (is_up) {
        chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER);
    } else {
        run->result.crash_count += 1;
    }
    server_destroy(run);
    while (!server_start(run) && run->result.violation[0] == 0) {
        failed_count += 1;
        if (failed_count > FAILED_START_COUNT_MAX) {
            chek_world_heal(run->world);
            run->crashes_left = 0;
        }
    }
}

/* ---- phases ----------------------------------------------------------------------------------- */

static void
step(struct kkm_run *run)
{
    (void)chek_world_step(run->world);
    machine_step(run);
    kkm_admin_step(run);
    for (unsigned i = 0; i < run->added_count; i++) {
        till_step(&run->tills[i]);
    }
    if (chek_world_now_ns(run->world) - run->moved_ns > PATIENCE_NS) {
        kkm_violate(run, "nothing is answered any more; %u registers", run->added_count);
    }
}

static bool
all_done(const struct kkm_run *run)
{
    bool done = all_added(run);
    for (unsigned i = 0; i < TILL_COUNT; i++) {
        done = done && run->tills[i].state == TILL_DONE;
    }
    return done;
}

static void
steps_until_done(struct kkm_run *run)
{
    uint64_t end = chek_world_step_count(run->world) + STEP_COUNT_MAX;
    while (run->result.violation[0] == 0 && !all_done(run)) {
        step(run);
        if (chek_world_step_count(run->world) > end) {
            chek_world_heal(run->world); /* a line with a byte a step */
            chek_world_options(run->world)->net_segment_size_max = 65536;
            run->crashes_left = 0;
            end += STEP_COUNT_MAX;
        }
    }
}

/* Without faults: a power cut, and every register hears its last answer once more; then a stop. */
static void
finish(struct kkm_run *run)
{
    chek_world_heal(run->world);
    chek_world_options(run->world)->net_segment_size_max = 65536;
    run->is_ending = true;
    run->crashes_left = 0;
    chek_world_crash_after(run->world, run->machine, 0, CHEK_CRASH_POWER);
    if (chek_world_is_up(run->world, run->machine)) {
        chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER);
    }
    for (unsigned i = 0; i < TILL_COUNT; i++) {
        till_drop(&run->tills[i]);
        till_repeat(&run->tills[i]);
    }
    steps_until_done(run);
    for (unsigned i = 0; i < TILL_COUNT * SHOP_COUNT * 2; i++) {
        till_drop(&run->tills[i % TILL_COUNT]);
        shop_ask(&run->tills[i % TILL_COUNT]);
        steps_until_done(run);
    }
    if (run->result.violation[0] != 0) {
        return;
    }
    for (unsigned i = 0; i < TILL_COUNT; i++) {
        till_drop(&run->tills[i]);
    }
    while (!run->is_ready) {
        step(run);
    }
    chek_server_stop(run->server, run->ios[0]);
    for (uint64_t i = 0; i < STEP_COUNT_MAX && !run->has_stopped; i++) {
        (void)chek_world_step(run->world);
    }
    if (!run->has_stopped) {
        kkm_violate(run, "it does not stop in order");
    } else if (chek_world_connection_count(run->world, run->machine) != 0) {
        kkm_violate(run, "it has stopped, and there are connections");
    }
}

struct kkm_result
kkm_drive(uint64_t seed)
{
    static struct kkm_run run;
    struct chek_world_options options = chek_world_options_drawn(seed);
    run = (struct kkm_run){0};
    chek_prng_init(&run.prng, seed);
    struct chek_memory_counters before = chek_memory_count();
    run.world = chek_world_create(&options);
    run.machine = chek_world_machine_add(run.world, 1);
    run.crashes_left = (unsigned)kkm_below(&run, 12);
    run.config = (struct chek_server_config){
        .listen = KKM_ADDRESS,
        .cpcr = KKM_CPCR_ADDRESS,
        .partition_count = (uint16_t)(1 + kkm_below(&run, 4)),
        .segment_row_count = 2 + (uint32_t)kkm_below(&run, 20),
        .segment_merge_count = 2,
        .log_file_size = CHEK_BLOCK_SIZE * (8 + kkm_below(&run, 24)),
        .snapshot_log_size = 2000 + kkm_below(&run, 20000), /* a run logs 30,000 bytes */
        .sync_method = (enum chek_sync_method)kkm_below(&run, 3),
        .context = &run,
        .on_ready = on_ready,
        .on_stopped = on_stopped,
    };
    for (uint32_t i = 0; i < TILL_COUNT; i++) {
        till_begin(&run.tills[i], &run, 1 + i);
    }
    chek_world_crash(run.world, run.machine,
                     CHEK_CRASH_KILL); /* the first start is like the others */
    steps_until_done(&run);
    if (run.result.violation[0] == 0) {
        finish(&run);
    }
    if (chek_world_is_up(run.world, run.machine)) {
        chek_world_crash(run.world, run.machine, CHEK_CRASH_POWER);
    }
    server_destroy(&run);
    chek_world_destroy(run.world);
    bool holds_workspace = chek_workspace_count().size != 0;
    if (!holds_workspace) {
        chek_workspace_finish();
    }
    struct chek_memory_counters after = chek_memory_count();
    if (holds_workspace || after.reserved_size != before.reserved_size ||
        after.heap_size != before.heap_size) {
        kkm_violate(&run, "after its end the server holds memory");
    }
    return run.result;
}
