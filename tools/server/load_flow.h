/* SPDX-License-Identifier: MIT */
/*
 * load_flow.h - the partitions of an old folder come back from their images.
 */
#ifndef CHEK_SERVER_LOAD_FLOW_H
#define CHEK_SERVER_LOAD_FLOW_H

#include "tools/server/folder.h"

/*
 * Load every partition that folder->entries says, and find out what is in the event files
 * (folder->event_index). Some files are read at a time, while a lane a shard makes partitions of
 * what was read.
 *
 *   Errors     CORRUPT, FOREIGN, VERSION, -ENOENT, -errno, -ENOMEM, HALTED, with *ret_partition the
 *              lowest partition that has one; what was loaded is in folder->partitions
 *   Threads    the start; returns when nothing of it runs
 */
CHEK_MUST_USE int server__partitions_load(struct chek_server *server, struct server__folder *folder,
                                          const struct chek_server_config *config,
                                          unsigned *ret_partition);

#endif
