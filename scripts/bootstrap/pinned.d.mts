export const pinned: { minimumNode: string };
