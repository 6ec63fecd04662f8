/**
 * The kinds of fault that a person or a program can react to. Codes stay; texts change. docs/errors.md is made from this file.
 * One line each: what is the matter → what to do.
 */
export const errorCodes = {
  "Programs and files": {
    internal: "A defect of this project; its stack is on stderr. → Report it with the stack.",
    usage: "The command line is not understood. → See the command's --help.",
    "disk-full": "A disk has no space left. → Make room; `npm run clean` empties the project's caches.",
    "file-missing": "A file that is named is not there. → Correct its name, or make it.",
    "file-unreadable": "A file is there and cannot be read. → See its permissions, and what it holds.",
    "loopback-unavailable": "This machine's loopback takes no connections. → See its network settings.",
    "several-faults": "Several faults of different kinds at once, a line each. → See each of them.",
  },
  Configuration: {
    "configuration-invalid": "Several mistakes of different kinds, each with a code. → See each of them.",
    "yaml-invalid":
      "A file is no YAML, or its aliases lead nowhere, in circles, or to too many values. → Correct it there.",
    "unknown-key":
      "A file or a stack has a key or setting that nothing reads there. → Correct its name; the nearest is suggested.",
    "value-missing": "A value that has to be there is not. → Add it.",
    "value-invalid": "A value is of another type, or none of those that are possible. → Correct it.",
    "unknown-dimension":
      "A dimension is named that there is not. → Correct it, or list it in dimensions.yaml.",
    "unknown-dimension-value": "A dimension has no such value. → Correct it, or add the value's layer.",
    "unknown-version": "An Alpine version that the ledger or configs/ lacks. → Correct it, or add it there.",
    "unknown-region": "A region that configs/regions.yaml lacks. → Correct it, or `npm run regions`.",
    "unknown-cloud": "A cloud whose regions cannot be looked up. → Correct it, or give a file.",
    "unknown-field": "An image has no such field. → Correct its name.",
    "overlay-missing": "An overlay's folder is not there. → Correct the stack's overlays.",
    "dimension-name-taken": "A dimension is listed twice, or is called like another file. → Rename it.",
    "file-unused": "Nothing reads a file or folder in configs/. → Correct its name, or move it away.",
    "layers-contradict":
      "A layer sets a map where an earlier one sets none, or the reverse. → Reset it first.",
    "field-unset": "No layer sets a field that every image needs. → Set it in a layer.",
    "dimension-unsupported": "The builder does not know an architecture or a firmware. → Use one it knows.",
    "placeholder-invalid": "A text has a lone brace, or {braces} that stand for nothing. → Correct it.",
    "unknown-repository-tag": "A package names a tag that no repository has. → Correct it, or add the tag.",
    "grantee-invalid":
      "Access is given to what is no grantee. → PUBLIC, an account, or an organization's ARN.",
    "image-name-clash": "Two images would be stored under one name. → Let their names differ.",
    "unknown-image": "No image has this key. → `npm run images` lists them.",
    "selection-empty": "--only and --skip leave no image. → Correct the patterns.",
    "image-format-invalid": "An image's format and its options do not fit. → Set both, or neither.",
    "schemas-stale": "schemas/ is not what the sources say. → `npm run schemas`, and commit it.",
  },
  Ledger: {
    "unknown-entry": "The ledger has no such entry. → `npm run releases -- list` lists them.",
    "entry-release-invalid": "An entry's release is none of its version. → Correct it.",
    "entry-revision-invalid": "An entry's revision is used already, or lower than the last. → Take the next.",
    "entry-incomplete": "An entry's images lack a dimension. → Say which.",
    "entry-image-repeated": "An entry names an image twice. → Take one out.",
    "entry-image-excluded": "An entry names an image that a layer excludes. → Drop it, or the exclusion.",
    "entry-selection-empty": "A selection of an entry's images selects none. → Correct it.",
    "entry-stage-conflict": "A stage is not in the direction of the command. → Use the other command.",
    "entry-protected": "Images are still protected from this step. → Take the step before it, and `up`.",
    "entry-unmarked": "None of the entry's images is marked for removal. → First `remove`, and `up`.",
    "retirement-date-refused": "Clouds refuse a date of deprecation. → Give one that they allow.",
    "release-not-served":
      "A mirror serves another release of a version. → Declare that one, or use another mirror.",
    "upstream-unreachable": "A public list or index cannot be fetched. → See the network, or give a file.",
    "upstream-invalid": "A public list or index is not what it should be. → See what is served there.",
  },
  Stacks: {
    "stack-not-selected": "No stack is named, and none is selected. → Name one with --stack.",
    "stack-file-missing":
      "A stack's file Pulumi.NAME.yaml is not here. → Correct the name, or make the stack.",
    "stack-file-edited":
      "Files of a fleet's stacks were changed by hand. → Take over what is right, then --force.",
    "stack-export-invalid": "A file is no export of a stack's state. → `pulumi stack export` makes one.",
    "stack-locked": "Another run holds the stack, or has begun meanwhile. → Wait, or see that it is gone.",
    "stack-changed": "The stack's state was changed meanwhile. → Run the command again.",
    "stack-resources-missing": "A preview or an export lacks images of the ledger. → Make it anew.",
    "fleet-empty": "A fleet has no stack. → `npm run fleet -- make` makes them.",
    "template-has-secret":
      "A fleet's template has a secret, which is one stack's own. → Set it in each stack.",
    "pulumi-failed": "A command of Pulumi failed. → See what it said.",
    "step-unknown": "A step's program was not called by Pulumi. → Use `pulumi up`.",
    "step-input-missing": "A step lacks what the step before it makes. → `pulumi up` without --target.",
  },
  "Tools and bootstrap": {
    "tools-not-set-up": "The tools are not set up. → `node scripts/bootstrap.mjs`.",
    "tool-missing": "A program or a firmware is not installed. → Install it; `npm run bootstrap` says how.",
    "tool-outdated": "A program, or Node, is too old. → Install a newer one, first on PATH.",
    "tool-failed":
      "A program that was called failed, or is not the one that it should be. → See what it said.",
    "platform-unsupported": "There is no release of a tool for this machine. → Install it yourself.",
    "download-unreachable":
      "A server cannot be reached, or answers with an error. → See the network; try again.",
    "download-interrupted": "A download broke off. → Try again.",
    "download-damaged": "A download has another checksum than its release says. → Try again; do not use it.",
  },
  "Mirrors and packages": {
    "mirror-unreachable": "A mirror cannot be read. → See the stack's mirror.url, and the network.",
    "mirror-incomplete": "A mirror lacks packages that every build needs. → Use a complete mirror.",
    "mirror-format-unknown": "A mirror serves what is no apk v2 repository. → See the mirror's URL.",
    "mirror-key-invalid": "A mirror's key file is no PEM public key. → Correct the stack's mirror.keys.",
    "offline-kit-incomplete": "The offline kit lacks a version or an architecture. → `npm run kit` makes it.",
    "index-unsigned": "A mirror's index has no signature. → Use a mirror that signs it.",
    "signing-key-unknown": "An index is signed by a key that is not trusted. → Add it, if you trust it.",
    "signature-invalid": "A signature does not fit. → The mirror is damaged or hostile: use another.",
    "checksum-wrong": "A package is not what its index says. → Try again, or use another mirror.",
    "package-missing":
      "No repository has a package that a layer asks for. → Correct its name, or add the repository.",
  },
  Builds: {
    "guest-timeout": "A build guest was not done in time. → See its console; raise build.timeoutMinutes.",
    "guest-request-unmet": "A layer asks for what the image does not have. → Correct that layer.",
    "guest-script-failed": "A script failed in the build guest. → See its console.",
    "guest-panic": "The build guest's kernel panicked. → See its console.",
    "guest-no-report":
      "A build guest ended without a report, or with none that can be read. → See its console.",
    "disk-check-failed":
      "A finished disk is not what its variant declares. → See the layers' scripts and packages.",
    "image-damaged":
      "A converted image is not the disk that went in. → Build it again, or with another QEMU.",
    "image-not-reproducible":
      "An image came out different when it was built again. → See the guest's scripts.",
    "image-file-name-invalid":
      "A file is not called like an image's. → Give one that ends like an image's file.",
    "image-not-built": "The image to boot is not there. → `npm run build` builds it.",
    "image-lost": "A built image is neither here nor in storage. → Copy it here, or build it anew.",
    "image-changed": "An image's file changed while it was read. → Build it again.",
    "boot-failed": "A boot test failed. → See the console and the checks that it names.",
    "boot-machine-unknown":
      "No machine is known that boots a cloud's images. → Add it to boot-test/machines.",
    "ssh-key-invalid": "A file is no SSH key that can be used. → Give one that ssh-keygen made.",
    "benchmark-failed": "Builds of a benchmark failed, or differ. → See each of them.",
  },
  "Remote builders": {
    "unknown-builder": "The stack has no such builder. → Name it in the stack's builders.",
    "builder-unreachable": "A builder cannot be reached. → See its host, its port, and its SSH server.",
    "builder-host-key-wrong":
      "A builder has another host key than its stack pins. → See that it is the right machine.",
    "builder-login-refused":
      "A builder does not let us in. → See its user, the key, and authorized_keys there.",
    "builder-forwarding-refused": "A builder does not forward ports. → Set AllowTcpForwarding there.",
    "builder-lost":
      "The connection to a builder was lost. → Run it again: what is finished there is fetched.",
    "builder-node-unusable": "A builder has no Node, or one too old. → Install a newer one there.",
    "builder-setup-failed": "A builder could not be set up. → See what it said.",
    "builder-build-failed": "A builder ended without an image. → See what it said.",
    "builder-result-wrong": "What came from a builder is damaged, or another image. → Run it again.",
    "builder-inputs-differ": "A builder has other inputs than were asked for. → Report it as a defect.",
    "builder-key-outside-project":
      "A remote build needs a key outside of the project. → Move it into the project.",
    "ssh-agent-missing": "There is no SSH agent to log in with. → Start one, or name a key.",
  },
  "Storage and signatures": {
    "storage-unsupported": "The storage's URL is of an unknown kind. → Use a file:// URL.",
    "storage-unwritable": "The storage's folder cannot be written. → See the stack's storageUrl.",
    "signing-failed":
      "The signing command failed, was not done in time, or left no signature. → See what it said.",
  },
  AWS: {
    "aws-credentials-expired": "AWS credentials have expired. → Renew them, and run it again.",
    "aws-credentials-invalid": "AWS credentials are missing or not valid. → Give valid ones.",
    "aws-clock-wrong": "This machine's clock is far from AWS's. → Set it.",
    "aws-denied": "AWS does not allow a call. → Let the credentials' policy allow it.",
    "aws-bucket-missing":
      "A bucket is not there, or none is set. → Make it, or correct the stack's aws.bucket.",
    "aws-region-wrong": "A bucket is in another region. → Correct the stack's aws.region or aws.bucket.",
    "aws-data-damaged": "What AWS has is not what was sent. → Run it again.",
    "aws-throttled": "AWS gets too many calls. → Run it again later, or with fewer at once.",
    "aws-quota-reached": "A quota of the account is reached. → Raise it, or remove what is not needed.",
    "aws-in-use": "A snapshot is an image's. → Deregister that image first.",
    "aws-unreachable": "AWS cannot be reached, or has a fault. → Run it again: it goes on where it stopped.",
    "aws-account-wrong": "Credentials are of another account than the stack's. → Use that account's.",
    "aws-not-the-emulator": "A stack of the emulator would call AWS itself. → Set AWS_ENDPOINT_URL.",
    "aws-object-foreign": "A bucket's object is not what its name says. → Find out who put it there.",
    "aws-snapshot-unfinished":
      "A snapshot was not completed in time, or is gone. → Run it again; find out who removes them.",
    "aws-still-pending": "AWS is still at work on it. → Run it again later.",
    "aws-channel-differs":
      "A parameter does not name the image that it should. → See the image, and `up` again.",
  },
} as const;

type Codes = typeof errorCodes;

/** A fault's kind. */
export type ErrorCode = { [Subject in keyof Codes]: keyof Codes[Subject] }[keyof Codes];
