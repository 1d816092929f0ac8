// SPDX-License-Identifier: Apache-2.0
// What there is in the audit log (docs/audit.md), in words. It never touches the document.

/** `[group, [[type, words]...]]` */
export const TYPES = [
  [
    'Sessions',
    [
      ['login', 'Logins'],
      ['login.failed', 'Failed logins'],
      ['logout', 'Logouts'],
      ['session.ended', 'Sessions that the gateway ended'],
      ['refresh.reused', 'Refresh tokens used twice'],
      ['device.approved', 'Devices let in'],
      ['device.denied', 'Devices refused'],
    ],
  ],
  [
    'Users',
    [
      ['user.created', 'New users'],
      ['user.updated', 'Changed users'],
      ['user.removed', 'Removed users'],
      ['password.changed', 'Changed passwords'],
      ['invite.created', 'Invitations'],
      ['signup.failed', 'Wrong invitation codes'],
    ],
  ],
  [
    'Second factors and passkeys',
    [
      ['totp.enabled', 'Second factor on'],
      ['totp.disabled', 'Second factor off'],
      ['recovery.used', 'Recovery codes used'],
      ['recovery.created', 'New recovery codes'],
      ['passkey.added', 'New passkeys'],
      ['passkey.removed', 'Removed passkeys'],
    ],
  ],
  [
    'Certificates and tokens',
    [
      ['certificate.issued', 'New certificates'],
      ['certificate.revoked', 'Revoked certificates'],
      ['certificate.refused', 'Refused certificates'],
      ['token.created', 'New tokens'],
      ['token.revoked', 'Deleted tokens'],
      ['token.exchanged', 'Exchanged tokens'],
    ],
  ],
  [
    'Apps',
    [
      ['client.created', 'New OAuth clients'],
      ['client.removed', 'Removed OAuth clients'],
      ['audience.created', 'New audiences'],
      ['audience.removed', 'Removed audiences'],
    ],
  ],
  [
    'Keys and spaces',
    [
      ['key.created', 'New keys'],
      ['key.rotated', 'Rotated keys'],
      ['key.updated', 'Changed keys'],
      ['member.changed', 'Roles in spaces'],
      ['space.created', 'New spaces'],
      ['space.removed', 'Removed spaces'],
    ],
  ],
];

/** type -> words */
export const WORDS = new Map(TYPES.flatMap(([, types]) => types));
