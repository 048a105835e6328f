"""The pages of imports: uploads, previews, live progress. Knows no grid."""
