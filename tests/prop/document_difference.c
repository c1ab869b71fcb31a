/* SPDX-License-Identifier: MIT */
/* document_difference.c - the comparison of random_document.h. */
#include "tests/prop/random_document.h"

#define DIFFERS(field)          \
    if (a->field != b->field) { \
        return #field;          \
    }
#define TEXT_DIFFERS(field)                           \
    if (!chek_bytes_view_equal(a->field, b->field)) { \
        return #field;                                \
    }

static const char *
taxes_difference(const struct chek_tax *a, const struct chek_tax *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++, a++, b++) {
        DIFFERS(kind)
        DIFFERS(rate)
        DIFFERS(sum)
        DIFFERS(turnover)
        DIFFERS(on_top)
        DIFFERS(present)
    }
    return NULL;
}

static const char *
modifier_difference(const struct chek_modifier *a, const struct chek_modifier *b)
{
    if ((a == NULL) != (b == NULL)) {
        return "modifier";
    }
    if (a == NULL) {
        return NULL;
    }
    DIFFERS(sum)
    DIFFERS(taxes_count)
    DIFFERS(present)
    TEXT_DIFFERS(name)
    return taxes_difference(a->taxes, b->taxes, a->taxes_count);
}

static const char *
parent_difference(const struct chek_parent *a, const struct chek_parent *b)
{
    if ((a == NULL) != (b == NULL)) {
        return "parent";
    }
    if (a == NULL) {
        return NULL;
    }
    DIFFERS(document)
    DIFFERS(sign)
    DIFFERS(time)
    DIFFERS(total)
    DIFFERS(offline)
    DIFFERS(shift)
    DIFFERS(present)
    TEXT_DIFFERS(registration_number)
    return NULL;
}

static const char *
line_difference(const struct chek_line *a, const struct chek_line *b)
{
    DIFFERS(kind)
    DIFFERS(storno)
    DIFFERS(gtin)
    DIFFERS(quantity)
    DIFFERS(price)
    DIFFERS(sum)
    DIFFERS(settlement)
    DIFFERS(subject)
    DIFFERS(present)
    DIFFERS(markings_count)
    DIFFERS(taxes_count)
    TEXT_DIFFERS(code)
    TEXT_DIFFERS(name)
    TEXT_DIFFERS(section)
    TEXT_DIFFERS(unit)
    for (uint32_t i = 0; i < a->markings_count; i++) {
        TEXT_DIFFERS(markings[i])
    }
    return taxes_difference(a->taxes, b->taxes, a->taxes_count);
}

static const char *
receipt_lists_difference(const struct chek_receipt *a, const struct chek_receipt *b)
{
    const char *difference = taxes_difference(a->taxes, b->taxes, a->taxes_count);
    for (uint32_t i = 0; i < a->payments_count; i++) {
        DIFFERS(payments[i].kind)
        DIFFERS(payments[i].sum)
        DIFFERS(payments[i].present)
    }
    for (uint32_t i = 0; i < a->persons_count; i++) {
        DIFFERS(persons[i].kind)
        DIFFERS(persons[i].present)
        TEXT_DIFFERS(persons[i].value)
        if (memcmp(a->persons[i].subject, b->persons[i].subject, 16) != 0) {
            return "persons.subject";
        }
    }
    for (uint32_t i = 0; difference == NULL && i < a->lines_count; i++) {
        difference = line_difference(&a->lines[i], &b->lines[i]);
    }
    if (difference == NULL) {
        difference = modifier_difference(a->discount, b->discount);
    }
    if (difference == NULL) {
        difference = modifier_difference(a->markup, b->markup);
    }
    return difference != NULL ? difference : parent_difference(a->parent, b->parent);
}

static const char *
receipt_difference(const struct chek_receipt *a, const struct chek_receipt *b)
{
    if (a == NULL || b == NULL) {
        return a == b ? NULL : "receipt";
    }
    DIFFERS(operation)
    DIFFERS(time)
    DIFFERS(shift)
    DIFFERS(document)
    DIFFERS(sign)
    DIFFERS(autonomous)
    DIFFERS(offline)
    DIFFERS(domain)
    DIFFERS(total)
    DIFFERS(change)
    DIFFERS(form)
    DIFFERS(tax_system)
    DIFFERS(number_in_shift)
    DIFFERS(taken)
    DIFFERS(present)
    DIFFERS(payments_count)
    DIFFERS(taxes_count)
    DIFFERS(lines_count)
    DIFFERS(persons_count)
    TEXT_DIFFERS(operator)
    TEXT_DIFFERS(client)
    TEXT_DIFFERS(buyer)
    TEXT_DIFFERS(fiscal_drive)
    if (memcmp(a->subject, b->subject, sizeof a->subject) != 0) {
        return "subject";
    }
    return receipt_lists_difference(a, b);
}

static const char *
movement_difference(const struct chek_movement *a, const struct chek_movement *b)
{
    if (a == NULL || b == NULL) {
        return a == b ? NULL : "movement";
    }
    DIFFERS(direction)
    DIFFERS(time)
    DIFFERS(shift)
    DIFFERS(document)
    DIFFERS(sum)
    DIFFERS(offline)
    DIFFERS(autonomous)
    DIFFERS(present)
    TEXT_DIFFERS(operator)
    return NULL;
}

static const char *
close_difference(const struct chek_close *a, const struct chek_close *b)
{
    if (a == NULL || b == NULL) {
        return a == b ? NULL : "close";
    }
    DIFFERS(time)
    DIFFERS(shift)
    DIFFERS(document)
    DIFFERS(withdraw)
    DIFFERS(sign)
    DIFFERS(present)
    TEXT_DIFFERS(operator)
    return NULL;
}

static const char *
profile_difference(const struct chek_register *a, const struct chek_register *b)
{
    if (a == NULL || b == NULL) {
        return a == b ? NULL : "profile";
    }
    DIFFERS(keys_count)
    DIFFERS(zone_minutes)
    DIFFERS(currency)
    DIFFERS(country)
    DIFFERS(present)
    TEXT_DIFFERS(organisation)
    TEXT_DIFFERS(organisation_name)
    TEXT_DIFFERS(point)
    TEXT_DIFFERS(point_name)
    TEXT_DIFFERS(address)
    TEXT_DIFFERS(model)
    for (uint32_t i = 0; i < a->keys_count; i++) {
        DIFFERS(keys[i].kind)
        TEXT_DIFFERS(keys[i].value)
    }
    return NULL;
}

const char *
random_document_difference(const struct chek_document *a, const struct chek_document *b)
{
    DIFFERS(registration)
    DIFFERS(present)
    const char *difference = profile_difference(a->profile, b->profile);
    if (difference == NULL) {
        difference = receipt_difference(a->receipt, b->receipt);
    }
    if (difference == NULL) {
        difference = movement_difference(a->movement, b->movement);
    }
    return difference != NULL ? difference : close_difference(a->close, b->close);
}
