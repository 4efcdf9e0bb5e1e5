// Kaifu's users and their rights, made or brought up to date; as an administrator, from the repository's root:
//
//   mongosh "$ADMIN_URL" --file deploy/mongodb/users.js
//
// with PASSWORD_CRM, PASSWORD_MIGRATE and PASSWORD_BACKUP in the environment (hexadecimal: they stand in addresses).
// No other service needs the database.
const fs = require("fs");
const path = require("path");

const database = process.env.KAIFU_CRM_DATABASE || "kaifu";
const file = process.env.KAIFU_MONGODB_ROLES || path.join("deploy", "mongodb", "roles.json");
const roles = JSON.parse(fs.readFileSync(file, "utf8"));
const users = { kaifuCrm: "crm", kaifuMigrate: "migrate", kaifuBackup: "backup" };
const admin = db.getSiblingDB("admin");

for (const [role, actions] of Object.entries(roles)) {
  const rights = { privileges: [{ resource: { db: database, collection: "" }, actions }], roles: [] };
  if (admin.getRole(role)) {
    admin.updateRole(role, rights);
  } else {
    admin.createRole({ role, ...rights });
  }
  const user = users[role];
  const password = process.env["PASSWORD_" + user.toUpperCase()];
  if (!password) {
    throw new Error("PASSWORD_" + user.toUpperCase() + " is not set");
  }
  if (admin.getUser(user)) {
    admin.updateUser(user, { pwd: password, roles: [role] });
  } else {
    admin.createUser({ user, pwd: password, roles: [role] });
  }
  print(user + " may " + actions.join(", "));
}
