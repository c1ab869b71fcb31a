/* SPDX-License-Identifier: MIT */
#include "tools/load/compare.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"

#define ROUND_COUNT 1000 /* registers of a claim; its answer has up to 1,024 */
#define BODY_SIZE (256 * 1024)
#define ARENA_SIZE (16 * 1024 * 1024)
#define TARGET_COUNT 4096 /* of one question */

/* What a question and its answer need. */
struct asking {
    struct chek_client *client;
    struct chek_arena arena;
    uint8_t *body;
    struct chek_writer out; /* over body */
};

static int
asking_init(struct asking *asking, struct chek_client *client)
{
    *asking = (struct asking){.client = client, .body = chek_memory_allocate(BODY_SIZE)};
    int error = chek_arena_init(&asking->arena, ARENA_SIZE);
    asking->out = chek_writer_over(asking->body, BODY_SIZE);
    return asking->body == NULL ? -ENOMEM : error;
}

static void
asking_finish(struct asking *asking)
{
    chek_memory_free(asking->body, BODY_SIZE);
    chek_arena_finish(&asking->arena);
}

static int
ask(struct asking *asking, uint16_t opcode, chek_client_on_body on_body, void *context,
    struct chek_failure *failure)
{
    CHEK_ASSERT(!asking->out.full);
    int error =
        chek_client_request(asking->client, opcode,
                            chek_bytes_view_of(asking->body, asking->out.size), on_body, context);
    if (error != CHEK_OK) {
        *failure = *chek_client_failure(asking->client);
    }
    asking->out = chek_writer_over(asking->body, BODY_SIZE);
    return error;
}

/* ---- claims ----------------------------------------------------------------------------------- */

struct claiming {
    struct asking asking;
    struct chek_workload *workload;
    uint32_t *registrations;
    uint32_t done; /* registers that have a registration */
    uint32_t register_count;
    struct chek_workload_register_text texts[ROUND_COUNT];
    struct chek_register records[ROUND_COUNT];
};

static int
take_registers(void *context, struct chek_bytes_view body)
{
    struct claiming *claiming = context;
    struct chek_registers answer;
    chek_arena_reset(&claiming->asking.arena);
    int error =
        chek_registers_decode_whole(body.bytes, body.size, &claiming->asking.arena, &answer, NULL);
    if (error != CHEK_OK) {
        return error;
    }
    for (uint32_t i = 0; i < answer.registers_count; i++) {
        if (claiming->done == claiming->register_count) {
            return CHEK_E_RANGE;
        }
        claiming->registrations[claiming->done] = answer.registers[i].registration;
        chek_workload_register_home(claiming->workload, claiming->done,
                                    answer.registers[i].registration);
        claiming->done += 1;
    }
    return CHEK_OK;
}

static int
claim_all(struct claiming *claiming, struct chek_failure *failure)
{
    int error = CHEK_OK;
    for (uint32_t begin = 0; error == CHEK_OK && begin < claiming->register_count;
         begin += ROUND_COUNT) {
        uint32_t count = claiming->register_count - begin;
        count = count < ROUND_COUNT ? count : ROUND_COUNT;
        for (uint32_t i = 0; i < count; i++) {
            chek_workload_register(claiming->workload, begin + i, &claiming->texts[i],
                                   &claiming->records[i]);
        }
        struct chek_claim claim = {.registers = claiming->records, .registers_count = count};
        chek_claim_encode(&claiming->asking.out, &claim);
        error = ask(&claiming->asking, CHEK_OPCODE_CLAIM, take_registers, claiming, failure);
        if (error == CHEK_OK && claiming->done != begin + count) {
            *failure = (struct chek_failure){.code = CHEK_E_RANGE,
                                             .text = "the answer to a claim is not one "
                                                     "registration a register"};
            error = CHEK_E_RANGE;
        }
    }
    return error;
}

int
chek_compare_claim(struct chek_client *client, struct chek_workload *workload,
                   uint32_t **ret_registrations, struct chek_failure *failure)
{
    uint32_t count = chek_workload_register_count(workload);
    struct claiming *claiming = chek_memory_allocate(sizeof *claiming);
    uint32_t *registrations = chek_memory_allocate(count * sizeof *registrations);
    int error = -ENOMEM;
    if (claiming != NULL && registrations != NULL) {
        claiming->workload = workload;
        claiming->registrations = registrations;
        claiming->register_count = count;
        error = asking_init(&claiming->asking, client);
        if (error == CHEK_OK) {
            error = claim_all(claiming, failure);
        }
        asking_finish(&claiming->asking);
    }
    chek_memory_free(claiming, sizeof *claiming);
    if (error != CHEK_OK) {
        chek_memory_free(registrations, count * sizeof *registrations);
        return error;
    }
    *ret_registrations = registrations;
    return CHEK_OK;
}

/* ---- status ----------------------------------------------------------------------------------- */

struct status_asking {
    struct asking asking;
    struct chek_compare_status *ret;
};

static bool
is_named(const struct chek_status_item *item, const char *name)
{
    return chek_bytes_view_equal(item->name, chek_bytes_view_text(name));
}

static void
take_item(struct chek_compare_status *status, const struct chek_status_item *item)
{
    static const struct {
        const char *name;
        size_t offset;
    } values[] = {
        {"sends", offsetof(struct chek_compare_status, sends)},
        {"log_blocks", offsetof(struct chek_compare_status, log_blocks)},
        {"heap_allocations", offsetof(struct chek_compare_status, allocations)},
        {"heap_allocations_late", offsetof(struct chek_compare_status, allocations_late)},
        {"cold_reads", offsetof(struct chek_compare_status, cold_reads)},
        {"io_operations", offsetof(struct chek_compare_status, io_operations)},
    };
    for (size_t i = 0; i < CHEK_COUNT(values); i++) {
        if (is_named(item, values[i].name)) {
            uint64_t *value = (uint64_t *)(void *)((char *)status + values[i].offset);
            *value += (uint64_t)item->value;
        }
    }
    if (is_named(item, "log_group_p99_us") && (uint64_t)item->value > status->log_group_p99_us) {
        status->log_group_p99_us = (uint64_t)item->value;
    }
    if (is_named(item, "sync_method")) {
        (void)snprintf(status->sync_method, sizeof status->sync_method, "%.*s",
                       (int)item->text.size, (const char *)item->text.bytes);
    }
}

static int
take_status(void *context, struct chek_bytes_view body)
{
    struct status_asking *asking = context;
    struct chek_status_items items;
    chek_arena_reset(&asking->asking.arena);
    int error =
        chek_status_items_decode_whole(body.bytes, body.size, &asking->asking.arena, &items, NULL);
    for (uint32_t i = 0; error == CHEK_OK && i < items.items_count; i++) {
        take_item(asking->ret, &items.items[i]);
    }
    return error;
}

int
chek_compare_status(struct chek_client *client, struct chek_compare_status *ret,
                    struct chek_failure *failure)
{
    static const struct chek_nothing nothing;
    struct status_asking asking = {.ret = ret};
    *ret = (struct chek_compare_status){0};
    int error = asking_init(&asking.asking, client);
    if (error == CHEK_OK) {
        chek_nothing_encode(&asking.asking.out, &nothing);
        error = ask(&asking.asking, CHEK_OPCODE_ASK_STATUS, take_status, &asking, failure);
    }
    asking_finish(&asking.asking);
    return error;
}

/* ---- figures ---------------------------------------------------------------------------------- */

struct comparing {
    struct asking asking;
    const struct chek_account *account;
    const uint32_t *registrations;
    struct chek_compare_result *result;
    struct told *told; /* register, operation: what the server says */
    uint32_t *places;  /* registration -> register + 1 */
    uint32_t registration_max;
    uint32_t register_index, shift; /* of the report being asked for */
};

/* What the server said of a register and operation. */
struct told {
    uint64_t tickets, positions;
    chek_i128 gross, net, tax, other;
    chek_i128 payments[CHEK_ACCOUNT_PAYMENT_COUNT];
};

__attribute__((format(printf, 2, 3))) static void
differ(struct chek_compare_result *result, const char *format, ...)
{
    if (result->difference_count++ == 0) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(result->first, sizeof result->first, format, arguments);
        va_end(arguments);
    }
}

static int
take_sums(void *context, struct chek_bytes_view body)
{
    struct comparing *comparing = context;
    struct chek_sums_rows rows;
    chek_arena_reset(&comparing->asking.arena);
    int error =
        chek_sums_rows_decode_whole(body.bytes, body.size, &comparing->asking.arena, &rows, NULL);
    for (uint32_t i = 0; error == CHEK_OK && i < rows.rows_count; i++) {
        const struct chek_sums_row *row = &rows.rows[i];
        uint32_t place = row->registration <= comparing->registration_max
                             ? comparing->places[row->registration]
                             : 0;
        if (place == 0) {
            differ(comparing->result, "sums of registration %u were not asked for",
                   row->registration);
            continue;
        }
        struct told *told =
            &comparing->told[(size_t)(place - 1) * CHEK_OPERATION_COUNT + row->operation];
        told->tickets += row->tickets;
        told->positions += row->positions;
        told->gross += row->gross;
        told->net += row->net;
        told->tax += row->tax;
        told->other += row->other;
        told->payments[CHEK_PAYMENT_KIND_CASH] += row->cash;
        told->payments[CHEK_PAYMENT_KIND_CARD] += row->card;
        told->payments[CHEK_PAYMENT_KIND_MOBILE] += row->mobile;
    }
    return error;
}

static int
sums_ask(struct comparing *comparing, struct chek_failure *failure)
{
    uint32_t register_count = comparing->account->register_count;
    struct chek_target *targets = chek_memory_allocate(TARGET_COUNT * sizeof *targets);
    int error = targets == NULL ? -ENOMEM : CHEK_OK;
    for (uint32_t begin = 0; error == CHEK_OK && begin < register_count; begin += TARGET_COUNT) {
        uint32_t count = register_count - begin;
        count = count < TARGET_COUNT ? count : TARGET_COUNT;
        for (uint32_t i = 0; i < count; i++) {
            targets[i] = (struct chek_target){.registration = comparing->registrations[begin + i]};
        }
        struct chek_ask_sums question = {.targets = targets,
                                         .targets_count = count,
                                         .by = CHEK_SUMS_BY_REGISTER,
                                         .step = CHEK_SUMS_STEP_ALL};
        chek_ask_sums_encode(&comparing->asking.out, &question);
        error = ask(&comparing->asking, CHEK_OPCODE_ASK_SUMS, take_sums, comparing, failure);
    }
    chek_memory_free(targets, TARGET_COUNT * sizeof *targets);
    return error;
}

static void
cell_compare(struct comparing *comparing, uint32_t register_index, uint8_t operation)
{
    const struct chek_account_cell *want =
        chek_account_cell(comparing->account, register_index, operation);
    const struct told *told =
        &comparing->told[(size_t)register_index * CHEK_OPERATION_COUNT + operation];
    bool is_equal = told->tickets == want->tickets && told->positions == want->positions &&
                    told->gross == want->net && told->net == want->net && told->tax == want->tax &&
                    told->other == 0;
    for (unsigned i = 0; i < CHEK_ACCOUNT_PAYMENT_COUNT; i++) {
        is_equal = is_equal && told->payments[i] == want->payment_sums[i];
    }
    comparing->result->compared_count += 1;
    if (!is_equal) {
        differ(comparing->result,
               "register %u (registration %u), operation %u: %llu tickets of %lld were "
               "acknowledged, the server says %llu of %lld",
               register_index, comparing->registrations[register_index], operation,
               (unsigned long long)want->tickets, (long long)want->net,
               (unsigned long long)told->tickets, (long long)told->net);
    }
}

/* ---- X and Z ---------------------------------------------------------------------------------- */

/* Add an operation of a report, what was late too. */
static void
report_add(const struct chek_report *report, struct chek_account_cell *cells)
{
    for (uint32_t i = 0; report != NULL && i < report->operations_count; i++) {
        const struct chek_report_operation *from = &report->operations[i];
        struct chek_account_cell *into = &cells[from->operation];
        into->tickets += from->tickets;
        into->positions += from->positions;
        into->offline += from->offline;
        into->net += from->net;
        for (uint32_t k = 0; k < from->payments_count; k++) {
            if (from->payments[k].kind < CHEK_ACCOUNT_PAYMENT_COUNT) {
                into->payment_counts[from->payments[k].kind] += from->payments[k].count;
                into->payment_sums[from->payments[k].kind] += from->payments[k].sum;
            }
        }
    }
    for (uint32_t i = 0; report != NULL && i < report->taxes_count; i++) {
        cells[report->taxes[i].operation].tax += report->taxes[i].sum;
    }
}

static int
take_report(void *context, struct chek_bytes_view body)
{
    struct comparing *comparing = context;
    struct chek_answer_report answer;
    struct chek_account_cell cells[CHEK_OPERATION_COUNT] = {0};
    chek_arena_reset(&comparing->asking.arena);
    int error = chek_answer_report_decode_whole(body.bytes, body.size, &comparing->asking.arena,
                                                &answer, NULL);
    if (error != CHEK_OK) {
        return error;
    }
    report_add(answer.report, cells);
    report_add(answer.late, cells);
    comparing->result->report_count += 1;
    for (uint8_t operation = 0; operation < CHEK_OPERATION_COUNT; operation++) {
        const struct chek_account_cell *want = chek_account_sampled_cell(
            comparing->account, comparing->register_index / comparing->account->sample_step,
            comparing->shift, operation);
        if (memcmp(want, &cells[operation], sizeof *want) != 0) {
            differ(comparing->result,
                   "report of registration %u, shift %u, operation %u: %llu tickets of %lld were "
                   "acknowledged, the server says %llu of %lld",
                   comparing->registrations[comparing->register_index], comparing->shift, operation,
                   (unsigned long long)want->tickets, (long long)want->net,
                   (unsigned long long)cells[operation].tickets, (long long)cells[operation].net);
        }
    }
    return CHEK_OK;
}

/* Every closed shift of a sampled register; every second one is asked for as a Z. */
static int
reports_ask(struct comparing *comparing, uint32_t sample, struct chek_failure *failure)
{
    int error = CHEK_OK;
    comparing->register_index = sample * comparing->account->sample_step;
    for (uint32_t shift = 1;
         error == CHEK_OK && shift <= comparing->account->sampled_shifts[sample]; shift++) {
        struct chek_target target = {.registration =
                                         comparing->registrations[comparing->register_index]};
        struct chek_ask_report question = {
            .target = &target, .shift = shift, .closed = shift % 2 == 0};
        comparing->shift = shift;
        chek_ask_report_encode(&comparing->asking.out, &question);
        error = ask(&comparing->asking, CHEK_OPCODE_ASK_REPORT, take_report, comparing, failure);
    }
    return error;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static int
comparing_init(struct comparing *comparing, struct chek_client *client)
{
    uint32_t register_count = comparing->account->register_count;
    for (uint32_t i = 0; i < register_count; i++) {
        if (comparing->registrations[i] > comparing->registration_max) {
            comparing->registration_max = comparing->registrations[i];
        }
    }
    comparing->told =
        chek_memory_allocate((size_t)register_count * CHEK_OPERATION_COUNT * sizeof(struct told));
    comparing->places =
        chek_memory_allocate(((size_t)comparing->registration_max + 1) * sizeof(uint32_t));
    if (comparing->told == NULL || comparing->places == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < register_count; i++) {
        comparing->places[comparing->registrations[i]] = i + 1;
    }
    return asking_init(&comparing->asking, client);
}

static void
comparing_finish(struct comparing *comparing)
{
    asking_finish(&comparing->asking);
    chek_memory_free(comparing->told, (size_t)comparing->account->register_count *
                                          CHEK_OPERATION_COUNT * sizeof(struct told));
    chek_memory_free(comparing->places,
                     ((size_t)comparing->registration_max + 1) * sizeof(uint32_t));
}

int
chek_compare_run(struct chek_client *client, const struct chek_account *account,
                 const uint32_t *registrations, struct chek_compare_result *ret,
                 struct chek_failure *failure)
{
    struct comparing comparing = {
        .account = account, .registrations = registrations, .result = ret};
    *ret = (struct chek_compare_result){0};
    int error = comparing_init(&comparing, client);
    if (error == CHEK_OK) {
        error = sums_ask(&comparing, failure);
    }
    for (uint32_t i = 0; error == CHEK_OK && i < account->register_count; i++) {
        for (uint8_t operation = 0; operation < CHEK_OPERATION_COUNT; operation++) {
            cell_compare(&comparing, i, operation);
        }
    }
    for (uint32_t i = 0; error == CHEK_OK && i < account->sample_count; i++) {
        error = reports_ask(&comparing, i, failure);
    }
    comparing_finish(&comparing);
    return error;
}
