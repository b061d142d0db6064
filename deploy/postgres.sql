-- One database each; they may be backed up, restored and upgraded apart.
create database prefect;
create database mlflow;
