/* SPDX-License-Identifier: MIT */
/*
 * replay_flow.h - bring the partitions of a folder forward by what is in its log.
 *
 * One thread reads and checks the log; the commands of the partitions that a shard will own are
 * applied on a lane of their own (engine/io/io.h), in the order of the log.
 *
 *   Source  persist/FORMAT.md "Recovery"
 */
#ifndef CHEK_SERVER_REPLAY_FLOW_H
#define CHEK_SERVER_REPLAY_FLOW_H

#include "persist/log.h"
#include "tools/server/folder.h"

/*
 * Replay everything behind the loaded snapshots; torn tails are cut and noted in the folder.
 *
 *   Memory     open rows are sealed on the way when they come to more than `replay_open_size`
 *   Errors     CORRUPT, with *where when it is the log's, without when a stored row that is needed
 *              is damaged; GAP, APPLY_VERSION, -ENOMEM, -errno: the partitions are anything
 */
CHEK_MUST_USE int server__replay(struct server__folder *folder, struct chek_log_fault *where);

#endif
