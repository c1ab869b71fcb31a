/* SPDX-License-Identifier: MIT */
/*
 * manifest_flow.h - the server's side of the manifest.
 */
#ifndef CHEK_SERVER_MANIFEST_FLOW_H
#define CHEK_SERVER_MANIFEST_FLOW_H

#include "tools/server/folder.h"

/* Read the newest manifest: folder's id, partition count, generation. -ENOENT: there is none. */
CHEK_MUST_USE int server__manifest_read(struct server__folder *folder);

/* Fill folder->entries from the manifest. */
CHEK_MUST_USE int server__manifest_entries(struct server__folder *folder);

/* Replay what the manifest knows of the log. */
CHEK_MUST_USE int server__manifest_replay(struct server__folder *folder,
                                          int (*on_command)(void *context,
                                                            struct chek_bytes_view bytes),
                                          void *context, struct chek_log_fault *where);

/* Write the manifest of this start: a new generation, cuts and ends recorded. */
CHEK_MUST_USE int server__manifest_start(struct server__folder *folder, unsigned shard_count);
void server__manifest_free(struct server__folder *folder);

#endif
