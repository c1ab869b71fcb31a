/* SPDX-License-Identifier: MIT */
/*
 * cpcr_rules.c - which field is mandatory since which version, and how long its text may be.
 *
 * One row a field that something is wanted of. A row without `soft` is what the wire form of the
 * oldest version requires: without it the request is no request (code 3). A soft one is what the text of
 * a later version wants; registers in the field leave many of them away, so it is judged by the
 * policy of the device (R15).
 */
#include "engine/base/assertion.h"
#include "ingest/cpcr/cpcr_message.h"

#define NEVER UINT16_MAX /* only the size counts */
#define NAME_SIZE_MAX 255
#define TICKET_TEXT_SIZE_MAX 65536
#define SECTION_SIZE_MAX 32
#define UNIT_SIZE_MAX 16

static const struct ingest__cpcr_rule none[1];

static const struct ingest__cpcr_rule date[] = {{.field = 1}, {.field = 2}, {.field = 3}};
static const struct ingest__cpcr_rule first_two[] = {{.field = 1}, {.field = 2}};
static const struct ingest__cpcr_rule first[] = {{.field = 1}};
static const struct ingest__cpcr_rule all_three[] = {{.field = 1}, {.field = 2}, {.field = 3}};

static const struct ingest__cpcr_rule operator_rules[] = {
    {.field = 1},
    {.field = 2, .since = NEVER, .size_max = NAME_SIZE_MAX}};

static const struct ingest__cpcr_rule tax[] = {{.field = 1},
                                               {.field = 3},
                                               {.field = 4},
                                               {.field = 5}};

static const struct ingest__cpcr_rule modifier[] = {
    {.field = 1, .soft = true, .since = 201, .size_max = 1024},
    {.field = 2}};

static const struct ingest__cpcr_rule commodity[] = {
    {.field = 2, .since = NEVER, .size_max = 1024},
    {.field = 3, .size_max = SECTION_SIZE_MAX},
    {.field = 4},
    {.field = 5},
    {.field = 6},
    {.field = 8, .since = NEVER, .size_max = NAME_SIZE_MAX},
    {.field = 13, .soft = true, .since = 201, .size_max = UNIT_SIZE_MAX},
    {.field = 14, .since = NEVER, .size_max = NAME_SIZE_MAX},
};

static const struct ingest__cpcr_rule storno_commodity[] = {
    {.field = 1, .since = NEVER, .size_max = 1024},
    {.field = 2, .size_max = SECTION_SIZE_MAX},
    {.field = 3},
    {.field = 4},
    {.field = 5},
    {.field = 7, .since = NEVER, .size_max = NAME_SIZE_MAX},
    {.field = 12, .soft = true, .since = 201, .size_max = UNIT_SIZE_MAX},
    {.field = 13, .since = NEVER, .size_max = NAME_SIZE_MAX},
};

static const struct ingest__cpcr_rule domain[] = {{.field = 1, .soft = true, .since = 203}};

static const struct ingest__cpcr_rule extension[] = {
    {.field = 1, .since = NEVER, .size_max = NAME_SIZE_MAX},
    {.field = 2, .since = NEVER, .size_max = NAME_SIZE_MAX},
    {.field = 4, .since = NEVER, .size_max = NAME_SIZE_MAX},
};

static const struct ingest__cpcr_rule parent[] = {{.field = 1, .size_max = 64},
                                                  {.field = 2},
                                                  {.field = 3, .size_max = 64},
                                                  {.field = 4},
                                                  {.field = 5}};

static const struct ingest__cpcr_rule ticket[] = {
    {.field = 1}, {.field = 2},
    {.field = 3}, {.field = 4, .soft = true, .since = 203},
    {.field = 8}, {.field = 12, .since = NEVER, .size_max = TICKET_TEXT_SIZE_MAX},
};

static const struct ingest__cpcr_rule report_section[] = {{.field = 1, .size_max = NAME_SIZE_MAX}};
static const struct ingest__cpcr_rule report_tax_operation[] =
    {{.field = 1}, {.field = 2}, {.field = 3}, {.field = 4, .soft = true, .since = 200}};
static const struct ingest__cpcr_rule report_payment[] = {{.field = 1},
                                                          {.field = 2},
                                                          {.field = 3, .soft = true, .since = 125}};
static const struct ingest__cpcr_rule ticket_operation[] = {{.field = 1},
                                                            {.field = 2},
                                                            {.field = 3},
                                                            {.field = 4}};
static const struct ingest__cpcr_rule money_placement[] = {{.field = 1},
                                                           {.field = 2},
                                                           {.field = 3},
                                                           {.field = 4}};
static const struct ingest__cpcr_rule zx_report[] = {{.field = 1},
                                                     {.field = 2},
                                                     {.field = 13},
                                                     {.field = 14},
                                                     {.field = 16, .soft = true, .since = 200}};

static const struct ingest__cpcr_rule close_shift[] = {{.field = 1},
                                                       {.field = 6, .soft = true, .since = 125}};
static const struct ingest__cpcr_rule money_placement_request[] =
    {{.field = 1}, {.field = 2}, {.field = 3}, {.field = 7, .soft = true, .since = 202}};

static const struct ingest__cpcr_rule module_info[] = {{.field = 1}, {.field = 2}};
static const struct ingest__cpcr_rule service[] = {
    {.field = 3, .soft = true, .since = 203},
    {.field = 4, .soft = true, .since = 201},
    {.field = 12, .soft = true, .since = 200},
};

static const struct ingest__cpcr_rule request[] = {{.field = 6, .soft = true, .since = 203}};

/* 202 requires the version, 203 does not: without it the register has none. */
static const struct ingest__cpcr_rule nomenclature[] = {
    {.field = 2, .since = NEVER, .size_max = NAME_SIZE_MAX}};

#define RULES(name, rows)                                     \
    {                                                         \
        &ingest__##name##__descriptor, rows, CHEK_COUNT(rows) \
    }
static const struct ingest__cpcr_rules messages[] = {
    RULES(money, first_two),
    RULES(date, date),
    RULES(time, first_two),
    RULES(date_time, first_two),
    RULES(tax, tax),
    RULES(item, first),
    RULES(commodity, commodity),
    RULES(payment, first_two),
    RULES(operator, operator_rules),
    RULES(amounts, first),
    RULES(ticket_request, ticket),
    RULES(request, request),
    RULES(service_request, service),
    RULES(modifier, modifier),
    RULES(storno_commodity, storno_commodity),
    RULES(key_value_pair, first),
    RULES(offline_period, first_two),
    RULES(geo_position, first_two),
    RULES(comm_quality, first),
    RULES(module_info, module_info),
    RULES(domain, domain),
    RULES(services_domain, first),
    RULES(taxi_domain, all_three),
    RULES(parking_domain, first_two),
    RULES(extension_options, extension),
    RULES(parent_ticket, parent),
    RULES(ticket_ad_info, first_two),
    RULES(report_operation, all_three),
    RULES(report_section, report_section),
    RULES(report_tax_operation, report_tax_operation),
    RULES(report_tax, first_two),
    RULES(non_nullable_sum, first_two),
    RULES(report_payment, report_payment),
    RULES(ticket_operation, ticket_operation),
    RULES(money_placement, money_placement),
    RULES(revenue, first_two),
    RULES(zx_report, zx_report),
    RULES(close_shift_request, close_shift),
    RULES(money_placement_request, money_placement_request),
    RULES(report_request, first_two),
    RULES(auth_request, first_two),
    RULES(nomenclature_request, nomenclature),
    RULES(qr_request, first_two),
};

const struct ingest__cpcr_rules *
ingest__cpcr_rules_of(const ProtobufCMessageDescriptor *message)
{
    static const struct ingest__cpcr_rules nothing = {NULL, none, 0};
    for (size_t i = 0; i < CHEK_COUNT(messages); i++) {
        if (messages[i].message == message) {
            return &messages[i];
        }
    }
    return &nothing;
}
