/* SPDX-License-Identifier: MIT */
/*
 * limits.h - every limit of the engine and how the limits depend on each other.
 *
 * A limit that only one file needs stands there; what two rooms must agree on stands here.
 */
#ifndef CHEK_BASE_LIMITS_H
#define CHEK_BASE_LIMITS_H

#include "engine/base/attribute.h"

/* Documents. */
#define CHEK_MONEY_MAX INT64_C(10000000000000)   /* 10^13 minor units an amount */
#define CHEK_QUANTITY_MAX INT64_C(1000000000000) /* 10^6 units in 10^-6 */
#define CHEK_RATE_MAX 1000000                    /* 1,000 % in thousandths of a percent */
#define CHEK_LINE_COUNT_MAX 1000                 /* lines of a receipt */
#define CHEK_PAYMENT_COUNT_MAX 16                /* payments of a receipt */
#define CHEK_PERSON_COUNT_MAX 4                  /* personal values of a receipt beside its buyer */
#define CHEK_TAX_COUNT_MAX 16                    /* tax rows of a ticket or of a line */
#define CHEK_TEXT_SIZE_MAX 255                   /* bytes of a text value of a receipt */
#define CHEK_MARKING_SIZE_MAX 255
#define CHEK_REGISTER_KEY_COUNT_MAX 8     /* keys of a registration */
#define CHEK_COMMAND_BODY_SIZE_MAX 229376 /* bytes of a logged command: fits a log group */

/* Rows of a shift cell, each kind; what comes beyond goes to the flagged OTHER row. */
#define CHEK_CELL_SECTION_COUNT_MAX 256
#define CHEK_CELL_OPERATOR_COUNT_MAX 256
#define CHEK_CELL_TAX_COUNT_MAX 64

/* Frames. */
#define CHEK_FRAME_BODY_SIZE_MAX (1024 * 1024)
#define CHEK_FRAME_RECEIPT_COUNT_MAX 4096
#define CHEK_HANDSHAKE_SIZE_MAX 512

/* Partitions and shards. */
#define CHEK_PARTITION_COUNT_DEFAULT 64
#define CHEK_PARTITION_COUNT_MAX 1024
#define CHEK_SHARD_COUNT_MAX 64

/* Storage. */
#define CHEK_PAGE_SIZE 16384          /* a page of the page heap */
#define CHEK_CHUNK_RECEIPT_COUNT 4096 /* receipts of an open chunk; rows of a column page */
#define CHEK_SEGMENT_RECEIPT_COUNT 16384
#define CHEK_BLOCK_SIZE 4096 /* a block of the log */
#define CHEK_SECTOR_SIZE 512
#define CHEK_DICTIONARY_COUNT_MAX 1048576
#define CHEK_DICTIONARY_SIZE_MAX (64 * 1024 * 1024)

_Static_assert(CHEK_SEGMENT_RECEIPT_COUNT % CHEK_CHUNK_RECEIPT_COUNT == 0, "whole chunks seal");
_Static_assert(CHEK_BLOCK_SIZE % CHEK_SECTOR_SIZE == 0, "whole sectors make a block");

/* 2^63 holds the amounts of 900,000 documents at the bound: a shift's sums fit 64 bits. */
_Static_assert(INT64_MAX / CHEK_MONEY_MAX > 900000, "a shift cell's sums");
/* price * quantity fits 128 bits with room. */
_Static_assert(CHEK_MONEY_MAX <= INT64_C(1) << 44 && CHEK_QUANTITY_MAX <= INT64_C(1) << 40,
               "a line's product");

#endif
