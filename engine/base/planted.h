/* SPDX-License-Identifier: MIT */
/*
 * planted.h - bugs put in on purpose, by number, so that the tests prove they would find them.
 *
 * CHEK_PLANTED(n) is constant false, and costs nothing, unless a file is compiled with
 * CHEK_PLANTED_BUGS; then it is true for the one number in chek_planted_bug. Only a test sets it.
 */
#ifndef CHEK_BASE_PLANTED_H
#define CHEK_BASE_PLANTED_H

#include <stdint.h>

/* NAME, number, what goes wrong. A number never changes its meaning. */
#define CHEK_PLANTED_LIST(X)                                                                  \
    X(ACK_BEFORE_SYNC, 1, "a completed write is taken for a durable one")                     \
    X(APPLY_BEFORE_SYNC, 2, "commands are handed over when their group is submitted")         \
    X(FOLDER_NOT_SYNCED, 3, "a log file is used before its name is durable")                  \
    X(SYNC_RETRIED, 4, "a failed sync is repeated instead of latching")                       \
    X(ACKNOWLEDGED_TAIL_CUT, 5, "a torn tail is cut although it was proved durable")          \
    X(PREFIX_IGNORED, 6, "a group is handed over before the groups in front of it")           \
    X(IDENTITY_FORGOTTEN, 7, "numbers of documents that only a snapshot holds are forgotten") \
    X(MESSAGE_LOST, 8, "one message between shards does not arrive")                          \
    X(REVOKE_FORGOTTEN, 9, "a start passes over the revocations in the log")                  \
    X(REVOKED_STAYS, 10, "open connections of a revoked principal go on")                     \
    X(DIRECTORY_NOT_TOLD, 11, "the last shard is not told of changes of the directory")       \
    X(EVENTS_NOT_AWAITED, 12, "a snapshot does not wait for the events of before it")         \
    X(CHAIN_OF_ANOTHER, 13, "a loaded partition goes on with the chain of another")           \
    X(PAGE_NOT_COPIED, 14, "a page of a heap is changed after the mark without a copy")       \
    X(BACKUP_NOT_HELD, 15, "snapshots go on while one is copied")                             \
    X(BACKUP_AT_ONCE, 16, "a backup has the log of shard 0 only up to its snapshot")          \
    X(COLD_UNCHECKED, 17, "rows that come back from a file are not checked")                  \
    X(COLD_BEFORE_STORED, 18, "rows leave memory before a manifest names their file")         \
    X(ORGANISATIONS_FORGOTTEN, 19, "a loaded partition forgets operators and nomenclatures")  \
    X(SEGMENT_TWICE, 20, "a merged segment leaves one of its sources in its place")           \
    X(TIDIED_BEFORE, 21, "what a manifest will not name is removed before it is stored")      \
    X(SEGMENTS_NOT_HELD, 22, "a merge is adopted while its sources are stored")               \
    X(VIEW_SEES_LATER, 23, "a view shows what was replaced after it was opened")              \
    X(TWO_AT_WORK, 24, "a register's next request does not wait for the one in the log")      \
    X(EXCHANGE_FORGOTTEN, 25, "a loaded partition forgets what registers asked last")         \
    X(DRIVE_ANSWERED_EARLY, 26, "a drive's document is acknowledged when it is handed over")  \
    X(REMOVED_BEFORE_NAMED, 27, "a segment's file goes before a manifest names what is kept") \
    X(REPORT_ANSWERED_EARLY, 28, "a drive's report is acknowledged when it is handed over")   \
    X(VERSION_OF_ONE_LIST, 29, "a list of goods counts its versions by itself")               \
    X(STAYS_AT_WORK, 30, "a register whose connection went amid a request stays at work")     \
    X(ERASURES_FORGOTTEN, 31, "a loaded partition forgets who was erased")

#define CHEK_PLANTED_ENUM(name, number, text) CHEK_PLANTED_##name = (number),
enum chek_planted { CHEK_PLANTED_NONE = 0, CHEK_PLANTED_LIST(CHEK_PLANTED_ENUM) };
#undef CHEK_PLANTED_ENUM

extern enum chek_planted chek_planted_bug;

/* A bug that strikes once does so at the place that is passed for this time, from 0. */
extern uint32_t chek_planted_countdown;

#ifdef CHEK_PLANTED_BUGS
#    define CHEK_PLANTED(name) (chek_planted_bug == CHEK_PLANTED_##name)
#else
#    define CHEK_PLANTED(name) 0
#endif
#define CHEK_PLANTED_ONCE(name) (CHEK_PLANTED(name) && chek_planted_countdown-- == 0)

#endif
