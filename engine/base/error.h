/* SPDX-License-Identifier: MIT */
/*
 * error.h - one space of errors for the whole program.
 *
 * 0 is success. -4095..-1 are the kernel's -errno, untouched, so that a completion's result is
 * already one of our errors. CHEK_E_* are ours, -5001 and below; a number never changes its
 * meaning, because clients and stored refusals carry it.
 */
#ifndef CHEK_BASE_ERROR_H
#define CHEK_BASE_ERROR_H

#include "engine/base/attribute.h"

/* NAME, number, short text. The text says what is wrong; where (field, offset) travels beside. */
#define CHEK_ERRORS(X)                                                            \
    /* bytes */                                                                   \
    X(SHORT, 5001, "the bytes end before the value does")                         \
    X(TRAILING, 5002, "there are bytes after the end of the value")               \
    X(LIMIT, 5003, "a count or a size is above its limit")                        \
    X(RANGE, 5004, "a value is outside its range")                                \
    X(TEXT, 5005, "the text is not valid UTF-8 or has a NUL in it")               \
    X(CHECKSUM, 5006, "the checksum does not match")                              \
    X(MAGIC, 5007, "these are not bytes of this format")                          \
    X(VERSION, 5008, "the version is not supported")                              \
    X(FIELD_MISSING, 5009, "a required field is missing")                         \
    X(FIELD_UNKNOWN, 5010, "a field is not known in this version")                \
    X(NUMBER, 5011, "the number cannot be read exactly")                          \
    X(OVERFLOW, 5012, "the sum does not fit")                                     \
    X(DATE, 5013, "the date or time does not exist")                              \
    X(RESERVED, 5014, "reserved bytes are not zero")                              \
    /* connection and protocol */                                                 \
    X(OPCODE, 5101, "the opcode is not known")                                    \
    X(AUTHENTICATION, 5102, "the token is not valid")                             \
    X(PERMISSION, 5103, "the principal has no right to do this")                  \
    X(HANDSHAKE, 5104, "the handshake is expected first, once")                   \
    X(BUSY, 5105, "the server is busy; send RESUME, then repeat from this frame") \
    X(CANCELLED, 5106, "the request was cancelled")                               \
    X(TIMEOUT, 5107, "the peer was too slow")                                     \
    X(CLOSED, 5108, "the connection is closed")                                   \
    X(STOPPING, 5109, "the server is stopping")                                   \
    X(LATCHED, 5110, "the log failed; nothing is acknowledged until a restart")   \
    /* receipts */                                                                \
    X(CONFLICT, 5201, "another document has this key; the first one stays")       \
    X(NOT_FOUND, 5202, "there is no such thing")                                  \
    X(AMBIGUOUS, 5203, "the name fits more than one")                             \
    X(SHIFT_OPEN, 5204, "the shift is still open; ask for X")                     \
    X(SHIFT_CLOSED, 5205, "the shift is closed")                                  \
    X(TOTAL_MISMATCH, 5206, "the sums do not add up")                             \
    X(UNREGISTERED, 5207, "the register is not known")                            \
    X(CURRENCY, 5208, "the currency is not the register's")                       \
    X(EXISTS, 5209, "it exists already, with other content")                      \
    X(TAXES_MIXED, 5210, "taxes are on the ticket and on its lines")              \
    X(REVOKED, 5211, "it was revoked")                                            \
    X(REMOVED, 5212, "it was removed by retention; its totals are kept")          \
    /* storage */                                                                 \
    X(FULL, 5301, "a capacity is exhausted")                                      \
    X(CORRUPT, 5302, "stored bytes are damaged")                                  \
    X(LOCKED, 5303, "another process holds the data folder")                      \
    X(FOREIGN, 5304, "the file belongs to another data folder")                   \
    X(APPLY_VERSION, 5305, "this binary cannot replay this log")                  \
    X(GAP, 5306, "a sequence has a hole")                                         \
    X(HALTED, 5307, "the machine stopped")                                        \
    X(COLD, 5308, "a page is not resident")                                       \
    /* configuration and usage */                                                 \
    X(USAGE, 5401, "the call is wrong")                                           \
    X(OPTION, 5402, "the option is not known")                                    \
    X(IO_URING, 5403, "io_uring is not available")

#define CHEK_ERROR_ENUM(name, number, text) CHEK_E_##name = -(number),
enum chek_error { CHEK_OK = 0, CHEK_ERRORS(CHEK_ERROR_ENUM) };
#undef CHEK_ERROR_ENUM

/*
 * Return the text of an error: ours, or the kernel's for -errno.
 *
 *   Ownership  static storage; never NULL, also for an unknown number
 *   Threads    any thread
 */
const char *chek_error_text(int error);

/* Return the name of an error, "SHIFT_OPEN" or "EIO"; "UNKNOWN" for a number nobody owns. */
const char *chek_error_name(int error);

#endif
