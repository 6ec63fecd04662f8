/** Alpine's own mirror. Layers declare repositories with this URL, and a stack's mirror replaces it during a build. */
export const officialMirrorUrl = "https://dl-cdn.alpinelinux.org/alpine";
