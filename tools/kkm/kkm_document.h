/* SPDX-License-Identifier: MIT */
/*
 * kkm_document.h - what a register makes: tickets, cash movements, closes of shifts.
 *
 * Plain data of fixed size, so that a register can keep documents until they are acknowledged and
 * make the same bytes of them again. The numbers of the enums are those of the protocol.
 *
 * Units: money in tiyn, quantity in thousandths, tax in thousandths of a percent, civil seconds.
 */
#ifndef CHEK_KKM_DOCUMENT_H
#define CHEK_KKM_DOCUMENT_H

#include "engine/base/civil.h"

#define CHEK_KKM_ITEM_COUNT_MAX 10
#define CHEK_KKM_PAYMENT_COUNT_MAX 3
#define CHEK_KKM_NUMBER_SIZE 24 /* of a ticket number with its NUL */
#define CHEK_KKM_NO_TAX UINT32_MAX
#define CHEK_KKM_VAT 100 /* the one tax type */

enum chek_kkm_operation {
    CHEK_KKM_BUY = 0,
    CHEK_KKM_BUY_RETURN = 1,
    CHEK_KKM_SELL = 2,
    CHEK_KKM_SELL_RETURN = 3,
    CHEK_KKM_OPERATION_COUNT
};

enum chek_kkm_payment_type {
    CHEK_KKM_CASH = 0,
    CHEK_KKM_CARD = 1,
    CHEK_KKM_CREDIT = 2,
    CHEK_KKM_TARE = 3,
    CHEK_KKM_MOBILE = 4,
    CHEK_KKM_PAYMENT_TYPE_COUNT
};

enum chek_kkm_item_type {
    CHEK_KKM_COMMODITY = 1,
    CHEK_KKM_STORNO_COMMODITY = 2,
    CHEK_KKM_MARKUP = 3,
    CHEK_KKM_STORNO_MARKUP = 4,
    CHEK_KKM_DISCOUNT = 5,
    CHEK_KKM_STORNO_DISCOUNT = 6
};

enum chek_kkm_document_kind { CHEK_KKM_TICKET, CHEK_KKM_PLACEMENT, CHEK_KKM_CLOSE };

/* A position, its storno, or a modifier of the position before it. */
struct chek_kkm_item {
    uint8_t type;      /* enum chek_kkm_item_type */
    uint8_t section;   /* 1..; positions only, as the rest of this block */
    bool is_weighed;   /* kilograms, not pieces */
    uint32_t product;  /* number of a name and a barcode */
    uint32_t quantity; /* thousandths */
    uint32_t percent;  /* CHEK_KKM_NO_TAX: no tax entry */
    int64_t price;
    int64_t sum; /* never negative */
    int64_t tax;
};

/* A discount or a markup on a whole ticket; sum 0: there is none. */
struct chek_kkm_modifier {
    uint32_t percent;
    int64_t sum, tax;
};

struct chek_kkm_payment {
    uint8_t type; /* enum chek_kkm_payment_type */
    int64_t sum;  /* cash without the change */
};

/* The ticket that a return takes back. */
struct chek_kkm_basis {
    char number[CHEK_KKM_NUMBER_SIZE]; /* empty: there is none */
    bool is_offline;
    uint32_t percent;
    int64_t time_s;
    int64_t total;
};

struct chek_kkm_ticket {
    uint8_t operation; /* enum chek_kkm_operation */
    uint8_t item_count, payment_count;
    bool has_taken;
    uint32_t percent; /* of a tax on the whole ticket; CHEK_KKM_NO_TAX: taxes are on items */
    int64_t tax;
    int64_t total, taken, change;
    struct chek_kkm_modifier markup, discount;
    struct chek_kkm_payment payments[CHEK_KKM_PAYMENT_COUNT_MAX];
    struct chek_kkm_basis parent;
    struct chek_kkm_item items[CHEK_KKM_ITEM_COUNT_MAX];
};

struct chek_kkm_placement {
    bool is_withdrawal;
    int64_t sum;
};

struct chek_kkm_document {
    uint8_t kind; /* enum chek_kkm_document_kind */
    bool is_offline;
    bool withdraws; /* a close: the server books the withdrawal of the drawer */
    uint8_t cashier;
    uint32_t shift_number;
    uint32_t number; /* within the shift */
    uint32_t sign;   /* autonomous sign of a ticket made offline */
    int64_t time_s;
    union {
        struct chek_kkm_ticket ticket;
        struct chek_kkm_placement placement;
    };
};

#endif
